// What lies in a pickle: weights, modules, checkpoints of the frameworks around PyTorch.
#include <algorithm>
#include <array>
#include <optional>

#include "archive/detect_parts.h"
#include "archive/stored_tensor.h"
#include "archive/trust.h"

namespace tenon::archive {
namespace {

using namespace std::string_view_literals;
using pickle::Kind;
using pickle::Value;

// How deep inside dicts weights and modules are looked for.
constexpr int kMaxDepth = 3;

size_t count_tensors(const Value& dict) {
  size_t count = 0;
  for (size_t i = 1; i < dict.items.size(); i += 2) count += is_tensor(*dict.items[i]);
  return count;
}

// A dict of which at least half of the values are tensors.
bool is_state_dict(const Value& value) {
  if (!value.is(Kind::dict) || value.items.empty()) return false;
  return 4 * count_tensors(value) >= value.items.size();
}

std::string describe_state_dict(const Value& dict) {
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (!is_tensor(*dict.items[i])) continue;
    return fmt::format("{} tensors, such as {}", count_tensors(dict),
                       pickle::print(*dict.items[i - 1], 80));
  }
  return "no tensors";
}

// What wrappers put before every name: DistributedDataParallel and torch.compile.
std::string wrapper_prefix(const Value& dict) {
  for (const std::string_view prefix : {"module."sv, "_orig_mod."sv}) {
    bool all = true;
    for (size_t i = 0; i < dict.items.size() && all; i += 2)
      all = dict.items[i]->is(Kind::string) && dict.items[i]->text.starts_with(prefix);
    if (all) return std::string(prefix);
  }
  return {};
}

bool names_ultralytics(const Value& value) {
  const std::string name = value.qualified_name();
  return name.starts_with("ultralytics.") || name.starts_with("models.yolo.");
}

// nn.Module's __dict__ always has these.
bool is_module(const Value& value) {
  if (value.is_call("torch.fx.graph_module", "reduce_graph_module")) return true;
  if (!value.is(Kind::object) && !value.is(Kind::call)) return false;
  return value.state != nullptr && value.state->get("_modules") != nullptr &&
         value.state->get("_parameters") != nullptr;
}

// What one value is by itself, where it is something that can be made into a program.
std::optional<Detected> recognise(const Value& value) {
  if (names_ultralytics(value))
    return Detected{.kind = FileKind::ultralytics,
                    .detail = "an object of " + value.qualified_name()};
  if (value.qualified_name() == "torch.export.exported_program.ExportedProgram")
    return Detected{.kind = FileKind::pickled_program};
  if (is_module(value)) {
    std::string name = value.qualified_name();
    if (name == "torch.fx.graph_module.reduce_graph_module") name = "torch.fx.GraphModule";
    return Detected{.kind = FileKind::pickled_module,
                    .detail = "an object of " + name,
                    .class_name = std::move(name)};
  }
  if (!is_state_dict(value)) return std::nullopt;
  Detected out{.kind = FileKind::state_dict,
               .detail = describe_state_dict(value),
               .prefix = wrapper_prefix(value)};
  if (!out.prefix.empty()) out.detail += fmt::format(", all under '{}'", out.prefix);
  return out;
}

// The keys under which a dict's parts are looked at, the usual ones first: of several state_dicts
// the model's is meant, not what an optimizer keeps.
std::vector<std::string_view> keys_in_order(const Value& dict) {
  constexpr std::array kUsual = {"state_dict"sv,     "model_state_dict"sv, "model"sv,
                                 "state_dict_ema"sv, "params"sv,           "net"sv,
                                 "module"sv};
  constexpr std::array kNever = {"optimizer"sv, "optimizer_state_dict"sv, "lr_scheduler"sv};
  std::vector<std::string_view> out;
  for (const std::string_view key : kUsual) {
    if (dict.get(key) != nullptr) out.push_back(key);
  }
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    const Value& key = *dict.items[i];
    auto among = [&](const auto& names) {
      return std::ranges::find(names, key.text) != names.end();
    };
    if (key.is(Kind::string) && !among(kUsual) && !among(kNever)) out.push_back(key.text);
  }
  return out;
}

// The first part of a dict that is something, the shallowest first.
std::optional<Detected> search(const Value& dict, int depth) {
  if (!dict.is(Kind::dict)) return std::nullopt;
  const auto keys = keys_in_order(dict);
  auto under = [](std::string_view key, Detected found) {
    found.keys.insert(found.keys.begin(), std::string(key));
    return found;
  };
  for (const std::string_view key : keys) {
    if (auto found = recognise(*dict.get(key))) return under(key, std::move(*found));
  }
  if (depth == 1) return std::nullopt;
  for (const std::string_view key : keys) {
    if (auto found = search(*dict.get(key), depth - 1)) return under(key, std::move(*found));
  }
  return std::nullopt;
}

// ['ckpt']['weights']
std::string print_keys(const std::vector<std::string>& keys) {
  std::string out;
  for (const std::string& key : keys) out += fmt::format("['{}']", key);
  return out;
}

}  // namespace

Detected classify(const pickle::Pickle& saved) {
  const Value& root = saved.root();
  if (root.is(Kind::dict) && root.get("pytorch-lightning_version") != nullptr)
    return {.kind = FileKind::lightning, .keys = {"state_dict"}};
  if (auto found = recognise(root)) return *found;
  if (auto found = search(root, kMaxDepth)) {
    const std::string place = "under " + print_keys(found->keys);
    found->detail += (found->detail.empty() ? "" : ", ") + place;
    return *found;
  }
  if (root.is(Kind::dict) && root.get("param_groups") != nullptr)
    return {.kind = FileKind::pickled_object, .detail = "the state of an optimizer"};
  if (root.is(Kind::dict))
    return {.kind = FileKind::pickled_object, .detail = "a dict: " + pickle::print(root, 120)};
  if (is_tensor(root)) return {.kind = FileKind::pickled_object, .detail = "one tensor"};
  return {.kind = FileKind::pickled_object, .detail = pickle::print(root, 120)};
}

Result<Detected> detect_pickle(const Blob& file, const std::string& path) {
  // Before its zip format, torch.save wrote five pickles one after the other: a magic number, a
  // version, the machine's properties, the object, the names of the storages.
  constexpr auto kLegacyMagic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."sv;
  Blob rest = file;
  const bool legacy = file.text().starts_with(kLegacyMagic);
  for (int skip = legacy ? 3 : 0; skip > 0; --skip) {
    const pickle::Pickle part = TRY(pickle::Pickle::parse(rest, {.file = path}));
    rest = rest.slice(part.size(), rest.size - part.size());
  }
  const pickle::Pickle saved = TRY(pickle::Pickle::parse(rest, {.file = path}));
  TRY(refuse_executing(saved, {.file = path}));
  return classify(saved);
}

}  // namespace tenon::archive
