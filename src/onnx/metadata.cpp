#include "onnx/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "onnx/dim_text.h"

namespace tenon::onnx {
namespace {

// Takes what precedes `mark` off the text; all of it where there is none.
std::string_view next(std::string_view& text, std::string_view mark) {
  const size_t end = text.find(mark);
  const std::string_view head = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + mark.size());
  return head;
}

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string range_text(const ir::Symbol& symbol) {
  auto end = [](int64_t v) {
    return v == ir::Interval::kMin || v == ir::Interval::kMax ? std::string() : fmt::to_string(v);
  };
  std::string out = end(symbol.range.min) + ".." + end(symbol.range.max);
  if (symbol.opt) out += fmt::format(" opt {}", *symbol.opt);
  return out;
}

bool read_range(std::string_view text, ir::Symbol& symbol) {
  std::string_view min = next(text, "..");
  std::string_view max = next(text, " opt ");
  ir::Interval range;
  if (!min.empty()) {
    const auto n = number(min);
    if (!n) return false;
    range.min = *n;
  }
  if (!max.empty()) {
    const auto n = number(max);
    if (!n) return false;
    range.max = *n;
  }
  if (range.min > range.max) return false;
  symbol.range = range;
  if (!text.empty()) symbol.opt = number(text);
  return true;
}

constexpr std::pair<std::string_view, ir::Guard::Relation> kRelations[] = {
    {" == ", ir::Guard::Relation::eq},
    {" <= ", ir::Guard::Relation::le},
    {" != ", ir::Guard::Relation::ne}};

Status read_guard(std::string_view text, ir::Graph& graph) {
  std::string_view relation = next(text, "\n");
  ir::Guard guard;
  guard.reason = std::string(next(text, "\n"));
  const std::string module(next(text, "\n"));
  guard.origin = make_origin(module, std::string(text));
  for (const auto& [mark, meaning] : kRelations) {
    const size_t at = relation.find(mark);
    if (at == std::string_view::npos) continue;
    guard.lhs = TRY(parse_dim(relation.substr(0, at)));
    guard.rhs = TRY(parse_dim(relation.substr(at + mark.size())));
    guard.relation = meaning;
    std::map<std::string, int> symbols;
    guard.lhs.collect_symbols(symbols);
    guard.rhs.collect_symbols(symbols);
    for (const auto& [name, count] : symbols) {
      if (graph.find_symbol(name) == nullptr) {
        return fail({.kind = ErrorKind::bad_file,
                     .what = "a guard of the model cannot be read",
                     .why = fmt::format("no input has the size '{}' of {}", name, relation),
                     .hint = "convert the model again"});
      }
    }
    graph.guards.push_back(std::move(guard));
    return {};
  }
  return fail({.kind = ErrorKind::bad_file,
               .what = "a guard of the model cannot be read",
               .why = fmt::format("'{}' is no relation", relation),
               .hint = "convert the model again"});
}

// Whether the guard is about sizes that inputs have. Sizes that the graph computes have other names
// once the file is read, and the operators that need them check them as they run.
bool is_about_inputs(const ir::Guard& guard, const ir::Graph& graph) {
  std::map<std::string, int> names;
  guard.lhs.collect_symbols(names);
  guard.rhs.collect_symbols(names);
  std::map<std::string, int> of_inputs;
  for (const ir::Value* input : graph.inputs()) {
    if (!input->type.is_tensor() || !input->shape()) continue;
    for (const ir::Dim& size : *input->shape()) size.collect_symbols(of_inputs);
  }
  return std::ranges::all_of(names,
                             [&](const auto& name) { return of_inputs.contains(name.first); });
}

}  // namespace

std::string frames_text(const ir::Origin& origin) {
  std::string out;
  for (const ir::Frame& frame : origin.frames) {
    out += (out.empty() ? "" : "; ") + fmt::format("{}:{}", frame.file, frame.line);
    if (!frame.function.empty()) out += " in " + frame.function;
  }
  return out;
}

ir::OriginRef make_origin(const std::string& module, const std::string& source) {
  if (module.empty() && source.empty()) return nullptr;
  auto out = std::make_shared<ir::Origin>();
  out->module = module;
  std::string_view rest = source;
  while (!rest.empty()) {
    std::string_view function = next(rest, "; ");
    const std::string_view place = next(function, " in ");
    const size_t colon = place.rfind(':');
    ir::Frame frame;
    frame.function = std::string(function);
    frame.file = std::string(place.substr(0, colon));
    if (colon != std::string_view::npos) {
      const int64_t line = number(place.substr(colon + 1)).value_or(0);
      frame.line = line >= 0 && line < (1 << 30) ? static_cast<int>(line) : 0;
    }
    out->frames.push_back(std::move(frame));
  }
  return out;
}

std::pair<std::string, std::string> node_origin(const proto::StringPairs& metadata,
                                                std::string_view doc) {
  std::pair<std::string, std::string> out;
  for (const auto& [key, value] : metadata) {
    if (key == kModuleKey) out.first = std::string(value);
    if (key == kSourceKey) out.second = std::string(value);
  }
  if (!out.first.empty() || !out.second.empty()) return out;
  while (!doc.empty()) {
    std::string_view line = next(doc, "\n");
    const std::string_view key = next(line, ": ");
    if (key == kModuleKey) out.first = std::string(line);
    if (key == kSourceKey) out.second = std::string(line);
  }
  return out;
}

std::string origin_doc(const ir::Origin& origin) {
  std::string out;
  if (!origin.module.empty()) out = fmt::format("{}: {}", kModuleKey, origin.module);
  if (!origin.frames.empty())
    out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", kSourceKey, frames_text(origin));
  return out;
}

std::vector<std::pair<std::string, std::string>> model_metadata(const ir::Graph& graph) {
  std::vector<std::pair<std::string, std::string>> out = graph.metadata;
  const ir::Symbol plain;
  for (const ir::Symbol& symbol : graph.symbols) {
    if (symbol.source && symbol.source->producer) continue;  // found again by inference
    if (symbol.range == plain.range && !symbol.opt) continue;
    out.emplace_back(std::string(kSymbolPrefix) + symbol.name, range_text(symbol));
  }
  for (size_t i = 0; i < graph.guards.size(); ++i) {
    const ir::Guard& guard = graph.guards[i];
    if (!is_about_inputs(guard, graph)) continue;
    std::string reason = guard.reason;
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    const ir::Origin none;
    const ir::Origin& origin = guard.origin ? *guard.origin : none;
    out.emplace_back(
        fmt::format("{}{}", kGuardPrefix, i),
        fmt::format("{}\n{}\n{}\n{}", guard.str(), reason, origin.module, frames_text(origin)));
  }
  return out;
}

Status read_model_metadata(const proto::StringPairs& metadata, ir::Graph& graph) {
  for (const auto& [key, value] : metadata) {
    if (key.starts_with(kSymbolPrefix)) {
      const std::string_view name = key.substr(kSymbolPrefix.size());
      ir::Symbol* symbol = graph.find_symbol(name);
      if (symbol && !read_range(value, *symbol)) {
        return fail({.kind = ErrorKind::bad_file,
                     .what = fmt::format("the range of the size '{}' cannot be read", name),
                     .why = fmt::format("'{}' is no range", value),
                     .hint = "convert the model again"});
      }
    } else if (key.starts_with(kGuardPrefix)) {
      TRY(read_guard(value, graph));
    } else {
      graph.metadata.emplace_back(key, value);
    }
  }
  return {};
}

}  // namespace tenon::onnx
