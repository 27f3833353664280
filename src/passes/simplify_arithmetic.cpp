// x + 0, x * 1, x / 1, x ^ 1, --x, and choices that are decided.
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

bool keeps_type(const ir::Node& node, const ir::Value* value) {
  return value && value->type == node.output(0)->type && value->shape();
}

bool is_constant_filled(const ir::Value* value, double v) {
  return value && value->is_constant() && is_filled(value, v);
}

// The value that the node's result is equal to; null where there is none.
ir::Value* equal_value(const ir::Node& node) {
  ir::Value *a = node.input(0), *b = node.input(1);
  if (node.is("Add")) {
    if (is_constant_filled(b, 0)) return a;
    return is_constant_filled(a, 0) ? b : nullptr;
  }
  if (node.is("Mul")) {
    if (is_constant_filled(b, 1)) return a;
    return is_constant_filled(a, 1) ? b : nullptr;
  }
  if (node.is("Sub")) return is_constant_filled(b, 0) ? a : nullptr;
  if (node.is("Div") || node.is("Pow")) return is_constant_filled(b, 1) ? a : nullptr;
  if (node.is("Neg") || node.is("Not")) {
    const ir::Node* inner = made_by(a, node.op);
    return inner ? inner->input(0) : nullptr;
  }
  if (node.is("Relu")) return made_by(a, "Relu") ? a : nullptr;
  if (node.is("Where")) {
    const auto known = ints(a);
    if (!known || known->empty()) return nullptr;
    for (int64_t v : *known) {
      if ((v != 0) != (known->front() != 0)) return nullptr;
    }
    return known->front() != 0 ? b : node.input(2);
  }
  return nullptr;
}

}  // namespace

Result<bool> simplify_arithmetic(ir::Graph& graph, const PassContext&) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node) || node->outputs().size() != 1) continue;
    ir::Value* value = equal_value(*node);
    if (keeps_type(*node, value)) changed |= replace(node->output(0), value);
  }
  return changed;
}

}  // namespace tenon::passes
