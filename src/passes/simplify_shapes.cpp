// Sizes that are known become constants; those that are known in terms of the graph's symbols are
// computed in one way, from the symbols, and Reshape needs them only where -1 and 0 do not say it.
#include <algorithm>
#include <unordered_set>

#include "ir/integers.h"
#include "ops/reshape/reshape.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

Tensor integer_tensor(DType dtype, Dims shape, std::span<const int64_t> values) {
  Tensor out = Tensor::zeros(dtype, std::move(shape));
  auto fill = [&]<class T>(T) {
    auto to = out.mutable_values<T>();
    for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(values[i]);
  };
  switch (bits(dtype)) {
    case 8:
      fill(uint8_t{});
      break;
    case 16:
      fill(uint16_t{});
      break;
    case 32:
      fill(uint32_t{});
      break;
    default:
      fill(uint64_t{});
  }
  return out;
}

bool holds_integers(DType dtype) {
  return dtype == DType::boolean || (is_integral(dtype) && bits(dtype) >= 8);
}

// A value all of whose elements are known.
bool make_constant(ir::Value& value, const PassContext& context) {
  if (!value.contents || !value.type.is_tensor() || !value.shape() || value.uses.empty() ||
      !holds_integers(value.dtype()))
    return false;
  const auto values = ir::constant_dims(*value.contents), dims = ir::constant_dims(*value.shape());
  if (!values || !dims || element_count(*dims) != static_cast<int64_t>(values->size()))
    return false;
  return replace_by_constant(&value, integer_tensor(value.dtype(), *dims, *values), context);
}

bool simplify_reshape(ir::Node& node) {
  if (node.as<ops::Reshape>().allowzero && !node.input(1)->is_constant()) return false;
  const auto& out = node.output(0)->shape();
  if (!out) return false;
  const auto& in = node.input(0)->shape();
  const auto target = reshape_target(in ? &*in : nullptr, *out);
  if (!target) return false;
  bool changed = false;
  if (node.attributes.get<int64_t>("allowzero", 0) != 0) {
    node.attributes.set("allowzero", int64_t{0});
    changed = true;
  }
  if (node.input(1)->is_constant() && ints(node.input(1)) == *target) return changed;
  ir::Graph& graph = *node.graph;
  graph.set_input(&node, 1, graph.root().add_constant(Tensor::vector_i64(*target)));
  return true;
}

// Whether every symbol has a source that stands before `node` is computed: an input, or a value
// that contents can only speak of because they were computed from it.
bool has_sources(const std::vector<ir::Dim>& contents, ir::Graph& graph) {
  std::map<std::string, int> names;
  for (const ir::Dim& dim : contents) dim.collect_symbols(names);
  for (const auto& [name, count] : names) {
    const ir::Symbol* symbol = graph.find_symbol(name);
    if (symbol == nullptr || symbol->source == nullptr) return false;
    const ir::Value& source = *symbol->source;
    if (!source.type.is_tensor()) return false;
    const auto inputs = source.graph->inputs();
    if (source.producer == nullptr && std::ranges::find(inputs, &source) == inputs.end())
      return false;
    // It must be a value of this graph or of one around it.
    const ir::Graph* g = &graph;
    while (g != nullptr && g != source.graph) g = g->parent();
    if (g == nullptr) return false;
  }
  return true;
}

// Whether what takes the value needs it as it is, rather than only its contents.
bool is_needed(const ir::Value& value) {
  return std::ranges::any_of(value.uses, [](const ir::Use& use) {
    if (use.node == use.node->graph->result()) return true;
    return std::ranges::any_of(use.node->outputs(), [](const ir::Value* output) {
      return !output->contents || output->dtype() != DType::i64;
    });
  });
}

using Before = std::unordered_set<const ir::Value*>;

// Computes the sizes anew from the graph's symbols, where that is not what is done already.
Result<bool> rebuild(ir::Node& node, const Before& before, const PassContext& context) {
  ir::Value& value = *node.output(0);
  if (node.outputs().size() != 1 || value.dtype() != DType::i64 || !value.contents ||
      !value.shape() || value.shape()->size() > 1 || value.uses.empty() || !is_needed(value) ||
      ir::constant_dims(*value.contents) || !has_sources(*value.contents, *node.graph))
    return false;
  if (value.shape()->empty() && value.contents->size() != 1) return false;
  std::map<std::string, int> names;
  for (const ir::Dim& dim : *value.contents) dim.collect_symbols(names);
  for (const auto& [name, count] : names) {
    const ir::Value* source = node.graph->find_symbol(name)->source;
    if (source->graph == node.graph && source->producer != nullptr && !before.contains(source))
      return false;
  }
  ir::Builder b = builder_before(node, context);
  ir::Value* made =
      value.shape()->empty() ? b.dim(value.contents->front()) : b.shape(*value.contents);
  TRY(b.status());
  if (same_value(made, &value)) return false;
  if (made->producer == nullptr) return false;  // an input: it may have to keep its name
  return replace(&value, made);
}

Result<bool> rebuild_all(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  Before before;
  std::vector<ir::Node*> nodes;
  for (const auto& node : graph.nodes()) nodes.push_back(node.get());
  for (ir::Node* node : nodes) {
    changed |= TRY(rebuild(*node, before, context));
    for (const ir::Value* output : node->outputs()) before.insert(output);
    for (const ir::Subgraph& sub : node->subgraphs) {
      changed |= TRY(rebuild_all(*sub.graph, context));
    }
  }
  return changed;
}

}  // namespace

Result<bool> simplify_shapes(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    for (ir::Value* output : node->outputs()) changed |= make_constant(*output, context);
    if (!is_dead(*node) && node->is("Reshape")) changed |= simplify_reshape(*node);
  }
  changed |= TRY(rebuild_all(graph, context));
  graph.remove_dead();  // what was built to be compared only
  return changed;
}

}  // namespace tenon::passes
