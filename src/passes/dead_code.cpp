// Removes what no output needs, and symbols that nothing mentions.
#include <map>
#include <unordered_set>

#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

void collect(const ir::Type& type, std::map<std::string, int>& names) {
  if (type.shape) {
    for (const ir::Dim& dim : *type.shape) dim.collect_symbols(names);
  }
  if (type.element) collect(*type.element, names);
}

struct Mentions {
  std::map<std::string, int> names;
  std::unordered_set<const ir::Value*> alive;
  // The first value whose size along an axis is just the symbol.
  std::map<std::string, std::pair<ir::Value*, int>> carriers;

  void add(ir::Value& value) {
    alive.insert(&value);
    collect(value.type, names);
    if (value.contents) {
      for (const ir::Dim& dim : *value.contents) dim.collect_symbols(names);
    }
    if (!value.shape()) return;
    for (size_t axis = 0; axis < value.shape()->size(); ++axis) {
      const std::string name = (*value.shape())[axis].symbol_name();
      if (!name.empty()) carriers.try_emplace(name, &value, static_cast<int>(axis));
    }
  }
};

// Symbols are bound where their source is computed. Where that is gone, another value that shows
// the size takes its place; symbols that nothing mentions go.
bool tidy_symbols(ir::Graph& graph) {
  Mentions mentions;
  for_each_graph(graph, [&](ir::Graph& g) {
    for (ir::Value* input : g.inputs()) mentions.add(*input);
    for (const auto& node : g.nodes()) {
      for (ir::Value* output : node->outputs()) mentions.add(*output);
    }
  });
  for (const ir::Guard& guard : graph.guards) {
    guard.lhs.collect_symbols(mentions.names);
    guard.rhs.collect_symbols(mentions.names);
  }
  for (ir::Symbol& symbol : graph.symbols) {
    if (symbol.source == nullptr || mentions.alive.contains(symbol.source)) continue;
    auto it = mentions.carriers.find(symbol.name);
    symbol.source = it == mentions.carriers.end() ? nullptr : it->second.first;
    symbol.axis = it == mentions.carriers.end() ? -1 : it->second.second;
  }
  return std::erase_if(graph.symbols, [&](const ir::Symbol& symbol) {
           const bool is_input = symbol.source && symbol.source->producer == nullptr;
           return !is_input && !mentions.names.contains(symbol.name);
         }) > 0;
}

}  // namespace

Result<bool> remove_dead_code(ir::Graph& graph, const PassContext&) {
  bool changed = graph.remove_dead();
  changed |= tidy_symbols(graph);
  // Values that only a forgotten symbol kept.
  return graph.remove_dead() || changed;
}

}  // namespace tenon::passes
