#include "passes/bounded_rules.h"

#include <algorithm>

namespace tenon::passes {
namespace {

// clang-format off
constexpr std::string_view kElementwise[] = {
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift",
    "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "Ceil", "Celu", "Clip",
    "Cos", "Cosh", "Div", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater",
    "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu",
    "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not",
    "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin",
    "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tan", "Tanh",
    "ThresholdedRelu", "Where", "Xor"
};
// clang-format on

}  // namespace

Status need_rank(BoundedWalk& w, ir::Node& node, size_t i) {
  if (node.input(i) && w.was(node.input(i))) return {};
  return w.refuse(node, "the rank of its input is not known");
}

Result<size_t> axis_of(BoundedWalk& w, ir::Node& node, int64_t axis) {
  TRY(need_rank(w, node, 0));
  return ir::normalize_axis(axis, w.was(node.input(0))->size());
}

void set_if_new(ir::Node& node, size_t i, ir::Value* value) {
  if (node.input(i) != value) node.graph->set_input(&node, i, value);
}

Status keep_with(BoundedWalk& w, ir::Node& node, size_t i, ir::Value* value) {
  TRY(w.done());
  set_if_new(node, i, value);
  return w.keep(node);
}

BoundedRule bounded_rule(const ir::Node& node) {
  if (!node.domain.empty()) return nullptr;
  if (std::ranges::find(kElementwise, node.op) != std::end(kElementwise)) return &elementwise;
  for (const auto rows :
       {rules_of_elements(), rules_of_places(), rules_along_axes(), rules_of_makers()}) {
    const auto found = std::ranges::find(rows, node.op, &BoundedRow::op);
    if (found != rows.end()) return found->rule;
  }
  return nullptr;
}

}  // namespace tenon::passes
