#include "cli/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::cli {
namespace {

// Symbols that inputs define; those that data decides are internal.
bool from_inputs(const ir::Symbol& symbol) {
  const ir::Value* source = symbol.source;
  return source == nullptr || (source->producer == nullptr && source->graph->parent() == nullptr);
}

void add_parameters(const ir::Graph& graph, ParameterCount& count) {
  for (const ir::Value* value : graph.constants()) {
    count.elements += static_cast<uint64_t>(value->constant->count());
    count.bytes += value->constant->nbytes();
  }
  for (const auto& node : graph.nodes()) {
    for (const ir::Subgraph& sub : node->subgraphs) add_parameters(*sub.graph, count);
  }
}

Json shape_json(const ir::Type& type) {
  if (!type.shape) return nullptr;
  Json out = Json::array();
  for (const ir::Dim& dim : *type.shape) {
    if (const auto size = dim.constant())
      out.push_back(*size);
    else
      out.push_back(dim.str());
  }
  return out;
}

Json values_json(std::span<ir::Value* const> values) {
  Json out = Json::array();
  for (const ir::Value* value : values) {
    Json entry = {{"name", value->name}};
    if (value->type.is_tensor()) {
      entry["dtype"] = name(value->dtype());
      entry["shape"] = shape_json(value->type);
    } else {
      entry["type"] = value->type.str();
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::string sizes_text(const ir::Graph& graph) {
  const std::string verdict = sizes_verdict(graph);
  if (verdict.empty()) return {};
  if (verdict != torch::kUnproven) return "  " + verdict + "\n";
  return "  unproven: a trace keeps what Python computed from a size as a constant, and only "
         "another "
         "trace\n  (--also-traced-at B.pt), a scripted or an exported program can tell\n";
}

}  // namespace

std::string sizes_verdict(const ir::Graph& graph) {
  for (const auto& [key, value] : graph.metadata) {
    if (key == torch::kSizesKey) return value;
  }
  return {};
}

std::map<std::string, size_t> count_operators(const ir::Graph& graph) {
  std::map<std::string, size_t> out;
  ir::for_each_node(graph, [&](const ir::Node& node) {
    ++out[node.domain.empty() ? node.op : node.domain + "::" + node.op];
  });
  return out;
}

ParameterCount count_parameters(const ir::Graph& graph) {
  ParameterCount out;
  add_parameters(graph, out);
  return out;
}

std::string quantity(uint64_t n) {
  std::string out = fmt::to_string(n);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

std::string megabytes(uint64_t n) { return fmt::format("{:.1f} MB", static_cast<double>(n) / 1e6); }

std::string symbol_text(const ir::Symbol& symbol) {
  std::string out = symbol.name;
  const bool open = symbol.range.max == ir::Interval::kMax;
  out += open ? fmt::format(" from {}", std::max<int64_t>(symbol.range.min, 0))
              : fmt::format(" {}..{}", symbol.range.min, symbol.range.max);
  if (symbol.opt) out += fmt::format(", best at {}", *symbol.opt);
  return out;
}

std::string notice_text(const torch::Notice& notice) {
  std::string place = notice.where.source;
  if (!notice.where.module.empty()) place += (place.empty() ? "" : " in ") + notice.where.module;
  return place.empty() ? notice.text : fmt::format("{} ({})", notice.text, place);
}

std::string interface_text(const ir::Graph& graph) {
  size_t width = 0;
  for (const auto& values : {graph.inputs(), graph.outputs()}) {
    for (const ir::Value* value : values) width = std::max(width, value->name.size());
  }
  std::string out;
  auto list = [&](std::string_view title, std::span<ir::Value* const> values) {
    out += fmt::format("{}\n", title);
    for (const ir::Value* value : values)
      out += fmt::format("  {:<{}}  {}\n", value->name, width, value->type.str());
  };
  list("inputs", graph.inputs());
  list("outputs", graph.outputs());
  std::string dynamic;
  for (const ir::Symbol& symbol : graph.symbols) {
    if (from_inputs(symbol)) dynamic += "  " + symbol_text(symbol) + "\n";
  }
  if (!dynamic.empty()) out += "dynamic sizes\n" + dynamic + sizes_text(graph);
  if (!graph.guards.empty()) out += "checked when it runs\n";
  for (const ir::Guard& guard : graph.guards) {
    out += "  " + guard.str();
    if (!guard.reason.empty()) out += ": " + guard.reason;
    if (guard.origin && !guard.origin->frames.empty())
      out += fmt::format(" ({})", guard.origin->frames.front().str());
    out += "\n";
  }
  return out;
}

Json interface_json(const ir::Graph& graph) {
  Json out;
  out["inputs"] = values_json(graph.inputs());
  out["outputs"] = values_json(graph.outputs());
  out["symbols"] = Json::array();
  for (const ir::Symbol& symbol : graph.symbols) {
    if (!from_inputs(symbol)) continue;
    Json entry = {{"name", symbol.name}, {"min", symbol.range.min}};
    entry["max"] = symbol.range.max == ir::Interval::kMax ? Json() : Json(symbol.range.max);
    entry["opt"] = symbol.opt ? Json(*symbol.opt) : Json();
    out["symbols"].push_back(std::move(entry));
  }
  const std::string verdict = sizes_verdict(graph);
  out["dynamic_sizes"] = verdict.empty() ? Json() : Json(verdict);
  out["guards"] = Json::array();
  for (const ir::Guard& guard : graph.guards) {
    const ir::Frame* line =
        guard.origin && !guard.origin->frames.empty() ? &guard.origin->frames.front() : nullptr;
    out["guards"].push_back({{"relation", guard.str()},
                             {"reason", guard.reason},
                             {"source", line ? line->str() : std::string()}});
  }
  return out;
}

std::string remarks_text(const api::Loaded& loaded, bool all) {
  std::string out;
  for (const torch::Notice& notice : loaded.notices) out += "  " + notice_text(notice) + "\n";
  constexpr size_t kMost = 10;
  const size_t shown = all ? loaded.suspicions.size() : std::min(loaded.suspicions.size(), kMost);
  for (size_t i = 0; i < shown; ++i) out += "  " + notice_text(loaded.suspicions[i]) + "\n";
  if (shown < loaded.suspicions.size())
    out +=
        fmt::format("  and {} more suspicions, which -v lists\n", loaded.suspicions.size() - shown);
  return out.empty() ? out : "notices\n" + out;
}

Json notices_json(const std::vector<torch::Notice>& notices) {
  Json out = Json::array();
  for (const torch::Notice& notice : notices) {
    out.push_back(
        {{"text", notice.text}, {"module", notice.where.module}, {"source", notice.where.source}});
  }
  return out;
}

void print_notices(std::span<const std::string> notices) {
  for (const std::string& notice : notices) fmt::print(stderr, "notice: {}\n", notice);
}

}  // namespace tenon::cli
