#include "archive/torch_archive.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "archive/trust.h"
#include "base/error.h"

namespace tenon::archive {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return text;
}

}  // namespace

Result<TorchArchive> TorchArchive::open(const std::string& path) {
  return open(TRY(ZipReader::open(path)));
}

Result<TorchArchive> TorchArchive::open(ZipReader zip) {
  TorchArchive out(std::move(zip));
  const auto& entries = out.zip_.entries();
  const size_t slash = entries.empty() ? std::string::npos : entries[0].name.find('/');
  const std::string folder = slash == std::string::npos ? "" : entries[0].name.substr(0, slash + 1);
  const bool common = !folder.empty() && std::ranges::all_of(entries, [&](const ZipEntry& entry) {
    return entry.name.starts_with(folder);
  });
  if (!common) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the file is no PyTorch archive",
                 .where = {.file = out.path()},
                 .why = "its entries do not all lie in one folder",
                 .hint = "save the model with torch.jit.save or torch.export.save"});
  }
  out.folder_ = folder.substr(0, folder.size() - 1);
  for (const std::string_view name : {"version", ".data/version"}) {
    if (!out.has(name)) continue;
    const Blob blob = TRY(out.read(name));
    const std::string_view text = trimmed(blob.text());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.version_);
    if (error != std::errc() || end != text.data() + text.size()) {
      return fail({.kind = ErrorKind::bad_file,
                   .what = "cannot read the PyTorch archive",
                   .where = out.where(name),
                   .why = "the version is no number",
                   .hint = "the file is damaged: save it again"});
    }
    break;
  }
  if (out.has("byteorder")) out.big_endian_ = trimmed(TRY(out.read("byteorder")).text()) == "big";
  return out;
}

bool TorchArchive::has(std::string_view name) const {
  return zip_.find(fmt::format("{}/{}", folder_, name)) != nullptr;
}

Result<Blob> TorchArchive::read(std::string_view name, Verify verify) const {
  return zip_.read(fmt::format("{}/{}", folder_, name), verify);
}

std::vector<std::string> TorchArchive::list(std::string_view prefix,
                                            std::string_view suffix) const {
  std::vector<std::string> out;
  for (const ZipEntry& entry : zip_.entries()) {
    const std::string_view name = std::string_view(entry.name).substr(folder_.size() + 1);
    if (name.starts_with(prefix) && name.ends_with(suffix)) out.emplace_back(name);
  }
  std::ranges::sort(out);
  return out;
}

Result<pickle::Pickle> TorchArchive::pickled(std::string_view name) const {
  const Blob bytes = TRY(read(name, Verify::always));
  pickle::Pickle out = TRY(pickle::Pickle::parse(bytes, where(name)));
  TRY(refuse_executing(out, where(name)));
  return out;
}

Result<pickle::Pickle> TorchArchive::pickled_program(std::string_view name) const {
  pickle::Pickle out = TRY(pickled(name));
  TRY(refuse_foreign(out, where(name)));
  return out;
}

Result<StoredTensor> TorchArchive::tensor(const pickle::Value& value,
                                          std::string_view storages) const {
  StoredTensor out = TRY(describe_tensor(value, where(storages)));
  out.storage_key = fmt::format("{}/{}", storages, out.storage_key);
  out.big_endian = big_endian_;
  out.storage = TRY(read(out.storage_key));
  const size_t width = static_cast<size_t>(bits(out.dtype)) / 8;
  uint64_t expected = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(out.storage_count), width, &expected) ||
      (out.storage.size != expected && out.storage.size != 0)) {
    return fail(
        {.kind = ErrorKind::bad_file,
         .what = "cannot read a tensor",
         .where = where(out.storage_key),
         .why = fmt::format("its storage has {} bytes where {} elements of {} are announced",
                            out.storage.size, out.storage_count, name(out.dtype)),
         .hint = "the file is damaged: save it again"});
  }
  for (Quantizer& quantizer : out.quantizer) {
    if (quantizer.scale_tensor == nullptr) continue;
    const auto numbers = [&](const pickle::Value& parameter) -> Result<std::vector<double>> {
      const StoredTensor form = TRY(describe_tensor(parameter, where(storages)));
      if (!form.quantizer.empty())
        return fail({.kind = ErrorKind::bad_file,
                     .what = "cannot read a tensor",
                     .where = where(storages),
                     .why = "the scale of a quantized tensor is quantized itself",
                     .hint = "the file is damaged: save it again"});
      return numbers_of(TRY(tensor(parameter, storages)), where(storages));
    };
    quantizer.scales = TRY(numbers(*quantizer.scale_tensor));
    quantizer.zero_points = TRY(numbers(*quantizer.zero_point_tensor));
  }
  return out;
}

bool TorchArchive::is_torchscript() const {
  return has("data.pkl") && std::ranges::any_of(zip_.entries(), [&](const ZipEntry& entry) {
           return std::string_view(entry.name).substr(folder_.size() + 1).starts_with("code/") &&
                  entry.name.ends_with(".py");
         });
}

Result<std::optional<pickle::Pickle>> TorchArchive::constants() const {
  if (!has("constants.pkl")) return std::nullopt;
  auto out = TRY(pickled_program("constants.pkl"));
  if (!out.root().is(pickle::Kind::tuple) && !out.root().is(pickle::Kind::list)) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the program's constants",
                 .where = where("constants.pkl"),
                 .why = "they are no tuple",
                 .hint = "the file is damaged: save it again"});
  }
  return out;
}

const pickle::Value& untagged(const pickle::Value& value, std::string* type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kBuilders = {
      {{"build_intlist", "List[int]"},
       {"build_tensorlist", "List[Tensor]"},
       {"build_doublelist", "List[float]"},
       {"build_boollist", "List[bool]"}}};
  const pickle::Value* inner = &value;
  std::string tag;
  while (inner->is(pickle::Kind::call) && inner->callable->is(pickle::Kind::global) &&
         inner->callable->text == "torch.jit._pickle" && !inner->args->items.empty()) {
    const auto& args = inner->args->items;
    std::string found;
    if (inner->callable->name == "restore_type_tag" && args.size() == 2) {
      found = std::string(args[1]->text);
    } else {
      const auto* builder = std::ranges::find(
          kBuilders, inner->callable->name, &std::pair<std::string_view, std::string_view>::first);
      if (builder == kBuilders.end()) break;
      found = builder->second;
    }
    if (tag.empty()) tag = found;
    inner = args[0];
  }
  if (type != nullptr) *type = tag;
  return *inner;
}

}  // namespace tenon::archive
