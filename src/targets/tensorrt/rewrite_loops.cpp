#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {
namespace {

constexpr size_t kCondition = 1;  // of the loop's inputs, and of its body's

bool is_true(const ir::Value* value) {
  while (value->producer && value->producer->is("Identity")) value = value->producer->input(0);
  return value->constant && value->dtype() == DType::boolean && value->constant->count() == 1 &&
         value->constant->bytes()[0] != std::byte{0};
}

// Whether the body goes on whenever it was entered.
bool goes_on(const ir::Graph& body) {
  const ir::Value* next = body.outputs()[0];
  while (next->producer && next->producer->is("Identity")) next = next->producer->input(0);
  return next == body.inputs()[kCondition] || is_true(next);
}

Tensor truth() {
  Tensor out = Tensor::zeros(DType::boolean, {});
  out.mutable_bytes()[0] = std::byte{1};
  return out;
}

void drop_condition(ir::Node& loop) {
  ir::Graph* body = loop.subgraph("body");
  if (body == nullptr || !always_goes_on(loop)) return;
  const ir::Value* start = loop.input(kCondition);
  ir::Value* always = body->add_constant(truth());
  body->replace_uses(body->inputs()[kCondition], always);
  body->set_output(0, always);
  // A loop that carries nothing would be left with one input, and two are asked for.
  const bool carries = loop.inputs().size() > kCondition + 1;
  if (carries && start != nullptr) loop.graph->set_input(&loop, kCondition, nullptr);
  if (carries || start != nullptr) return;
  while (loop.inputs().size() <= kCondition) loop.graph->add_node_input(&loop, nullptr);
  loop.graph->set_input(&loop, kCondition, loop.graph->add_constant(truth()));
}

}  // namespace

bool always_goes_on(const ir::Node& loop) {
  const ir::Graph* body = loop.subgraph("body");
  if (body == nullptr || body->outputs().empty() || body->inputs().size() <= kCondition)
    return false;
  const ir::Value* start = loop.input(kCondition);
  return (start == nullptr || is_true(start)) && goes_on(*body);
}

void drop_conditions(ir::Graph& graph) {
  for (ir::Node* node : all_nodes(graph)) {
    if (node->is("Loop")) drop_condition(*node);
  }
}

}  // namespace tenon::tensorrt
