#include "targets/cpu/lower.h"

#include <numeric>

#include "ir/integers.h"
#include "ops/reduce/reduce.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/onednn.h"

namespace tenon::cpu {

ir::Node* only_user(const ir::Value* value) {
  if (value->uses.size() != 1) return nullptr;
  ir::Node* node = value->uses[0].node;
  return node->graph == value->graph && node != value->graph->result() ? node : nullptr;
}

ir::Node* replace_with(ir::Graph& graph, ir::Node* last, std::string op, ir::Attributes attributes,
                       std::vector<ir::Value*> inputs, const ir::Node& origin) {
  ir::Node* node = graph.add_node(std::string(kDomain), std::move(op), std::move(attributes),
                                  std::move(inputs), 1, origin.origin, last);
  node->name = origin.name;
  ir::Value* out = last->output();
  node->output()->type = out->type;
  node->output()->name = out->name;
  graph.replace_uses(out, node->output());
  return node;
}

namespace {

// Means over all spatial axes are global pools.
void lower_spatial_mean(ir::Graph& graph, ir::Node* node) {
  const ir::Value* x = node->input(0);
  if (!x->rank() || *x->rank() < 3 || x->dtype() != DType::f32) return;
  const auto op = node->as<ops::ReduceMean>();
  const ir::Value* axes_value = node->input(1);
  if (axes_value == nullptr || !axes_value->is_constant()) return;
  auto axes = ir::integers(*axes_value->constant);
  const auto rank = static_cast<int64_t>(*x->rank());
  if (!axes || static_cast<int64_t>(axes->size()) != rank - 2) return;
  for (auto& axis : *axes) axis = axis < 0 ? axis + rank : axis;
  std::ranges::sort(*axes);
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != static_cast<int64_t>(i) + 2) return;
  }
  ir::Node* pool =
      graph.add_node("", "GlobalAveragePool", {}, {node->input(0)}, 1, node->origin, node);
  pool->name = node->name;
  ir::Shape shape = {(*x->shape())[0], (*x->shape())[1]};
  shape.resize(x->shape()->size(), ir::Dim(1));
  pool->output()->type = ir::Type::tensor(DType::f32, shape);
  ir::Value* result = pool->output();
  if (!op.keepdims) {
    ir::Value* wanted = graph.root().add_constant(Tensor::vector_i64(*axes));
    ir::Node* squeeze = graph.add_node("", "Squeeze", {}, {result, wanted}, 1, node->origin, node);
    squeeze->name = node->name + ".squeeze";
    squeeze->output()->type = node->output()->type;
    result = squeeze->output();
  }
  result->name = node->output()->name;
  graph.replace_uses(node->output(), result);
}

}  // namespace

void lower_pools(ir::Graph& graph) {
  for (const auto& node : graph.nodes()) {
    if (node->is("ReduceMean")) lower_spatial_mean(graph, node.get());
  }
}

Result<Lowered> lower(const ir::Graph& canonical, const Disabled& disabled) {
  Lowered out;
  out.graph = ir::clone(canonical);
  ir::Graph& graph = *out.graph;
  const bool fuse = !disabled.contains("fusion");
  lower_pools(graph);
  lower_convolutions(graph, fuse);
  lower_products(graph, fuse);
  graph.remove_dead();
  fuse_pointwise(graph, !disabled.contains("pointwise"));
  graph.remove_dead();
  if (!disabled.contains("layout")) out.layouts = assign_layouts(graph, onednn::preferred_block());
  ir::assign_names(graph);
  return out;
}

}  // namespace tenon::cpu
