#include "ir/printer.h"

#include <fmt/format.h>

namespace tenon::ir {
namespace {

std::string label(const Value* value) {
  if (value == nullptr) return "none";
  if (value->is_constant() && value->constant->has_data() && value->constant->shape().empty() &&
      value->dtype() == DType::f32) {
    return fmt::format("{}", value->constant->values<float>()[0]);
  }
  if (value->is_constant() && value->contents) return to_string(*value->contents);
  return fmt::format("%{}{}{}", value->id, value->name.empty() ? "" : ":", value->name);
}

void print_graph(const Graph& graph, const PrintOptions& options, const std::string& indent,
                 std::string& out) {
  out += indent + "graph " + graph.name + "(";
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    out += fmt::format("{}{}: {}", i ? ", " : "", label(graph.inputs()[i]),
                       graph.inputs()[i]->type.str());
  }
  out += ") {\n";
  for (const auto& node : graph.nodes()) {
    out += indent + "  ";
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      const Value* value = node->output(i);
      out += (i ? ", " : "") + label(value) + (options.types ? ": " + value->type.str() : "");
    }
    out += " = " + (node->domain.empty() ? "" : node->domain + "::") + node->op + "(";
    for (size_t i = 0; i < node->inputs().size(); ++i)
      out += (i ? ", " : "") + label(node->input(i));
    out += ")";
    if (!node->attributes.all().empty()) {
      out += " {";
      bool first = true;
      for (const auto& [name, value] : node->attributes.all()) {
        out += fmt::format("{}{}={}", first ? "" : ", ", name, to_string(value));
        first = false;
      }
      out += "}";
    }
    if (options.origins && node->origin) {
      out += "  # " + node->origin->module;
      if (!node->origin->frames.empty()) out += " " + node->origin->frames[0].str();
    }
    out += "\n";
    for (const Subgraph& sub : node->subgraphs)
      print_graph(*sub.graph, options, indent + "    ", out);
  }
  out += indent + "  return ";
  for (size_t i = 0; i < graph.outputs().size(); ++i)
    out += (i ? ", " : "") + label(graph.outputs()[i]);
  out += "\n" + indent + "}\n";
}

}  // namespace

std::string print(const Graph& graph, PrintOptions options) {
  std::string out;
  for (const Symbol& symbol : graph.symbols) {
    const std::string max =
        symbol.range.max == Interval::kMax ? "" : std::to_string(symbol.range.max);
    out += fmt::format("symbol {} in {}..{}\n", symbol.name, symbol.range.min, max);
  }
  for (const Guard& guard : graph.guards)
    out += fmt::format("guard {}  # {}\n", guard.str(), guard.reason);
  print_graph(graph, options, "", out);
  return out;
}

}  // namespace tenon::ir
