#include "ops/common/merge_types.h"

namespace tenon::ops {
namespace {

bool contains(const ir::Graph& outer, const ir::Graph* inner) {
  for (; inner != nullptr; inner = inner->parent()) {
    if (inner == &outer) return true;
  }
  return false;
}

bool is_own(const Dim& dim, const ir::Value& value, size_t axis) {
  const std::string symbol = dim.symbol_name();
  if (symbol.empty()) return false;
  for (const ir::Symbol& s : value.graph->root().symbols) {
    if (s.name == symbol) return s.source == &value && s.axis == static_cast<int>(axis);
  }
  return false;
}

}  // namespace

Dim data_dim_of(ir::Value& value, size_t axis) {
  ir::Graph& root = value.graph->root();
  for (const ir::Symbol& symbol : root.symbols) {
    if (symbol.source == &value && symbol.axis == static_cast<int>(axis))
      return Dim::symbol(symbol.name);
  }
  Dim made = root.fresh_symbol("data");
  ir::Symbol* symbol = root.find_symbol(made.symbol_name());
  symbol->source = &value;
  symbol->axis = static_cast<int>(axis);
  return made;
}

bool visible_in(const Dim& dim, const ir::Graph& graph) {
  std::map<std::string, int> names;
  dim.collect_symbols(names);
  for (const ir::Symbol& symbol : graph.root().symbols) {
    if (!names.contains(symbol.name) || symbol.source == nullptr) continue;
    // The source must belong to this graph or to one around it.
    if (!contains(*symbol.source->graph, &graph)) return false;
  }
  return true;
}

std::optional<ir::Type> merge_types(const ir::Type& a, const ir::Type& b, ir::Value& value) {
  if (a.kind != b.kind || a.dtype != b.dtype) return std::nullopt;
  if (!a.is_tensor()) {
    if (!a.element || !b.element) return a.element ? a : b;
    auto element = merge_types(*a.element, *b.element, value);
    if (!element) return std::nullopt;
    return ir::Type{a.kind, DType::undefined, {}, std::make_shared<const ir::Type>(*element)};
  }
  if (!a.shape || !b.shape || a.shape->size() != b.shape->size())
    return ir::Type::tensor(a.dtype, std::nullopt);
  Sizes out;
  for (size_t i = 0; i < a.shape->size(); ++i) {
    const Dim &x = (*a.shape)[i], &y = (*b.shape)[i];
    const bool keep = is_own(x, value, i) || (x == y && visible_in(x, *value.graph));
    out.push_back(keep ? x : data_dim_of(value, i));
  }
  return ir::Type::tensor(a.dtype, std::move(out));
}

}  // namespace tenon::ops
