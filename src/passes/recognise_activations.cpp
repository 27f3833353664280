// Activations that were taken apart: because an old opset lacks them, or because the model's author
// wrote the formula.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "ops/activation/activation.h"
#include "ops/clip/clip.h"
#include "ops/trilu/trilu.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

// The factors of a tree of Mul nodes: scalars multiplied together, the others in order.
struct Product {
  double scalar = 1;
  std::vector<ir::Value*> factors;
};

void collect_factors(ir::Value* value, Product& out, int depth) {
  const ir::Node* node = made_by(value, "Mul");
  if (node && depth > 0 && used_once(value)) {
    collect_factors(node->input(0), out, depth - 1);
    collect_factors(node->input(1), out, depth - 1);
  } else if (const auto v = scalar(value)) {
    out.scalar *= *v;
  } else {
    out.factors.push_back(value);
  }
}

Product product_of(const ir::Node& node) {
  Product out;
  for (ir::Value* input : node.inputs()) collect_factors(input, out, 3);
  // Division by a constant is a factor too.
  for (ir::Value*& factor : out.factors) {
    const ir::Node* div = made_by(factor, "Div");
    if (!div || !used_once(factor)) continue;
    if (const auto v = scalar(div->input(1)); v && *v != 0) {
      out.scalar /= *v;
      factor = div->input(0);
    }
  }
  return out;
}

// x where value is factor * x.
ir::Value* scaled(ir::Value* value, double factor) {
  if (const ir::Node* div = made_by(value, "Div")) {
    const auto by = scalar(div->input(1));
    return by && close(*by, 1 / factor) ? div->input(0) : nullptr;
  }
  const auto operand = scalar_operand(made_by(value, "Mul"));
  return operand && close(operand->scalar, factor) ? operand->value : nullptr;
}

// x where value is x + amount.
ir::Value* shifted(ir::Value* value, double amount) {
  const auto operand = scalar_operand(made_by(value, "Add"));
  return operand && close(operand->scalar, amount, 1e-6) ? operand->value : nullptr;
}

bool is_cube(ir::Value* value, const ir::Value* x) {
  if (const ir::Node* pow = made_by(value, "Pow")) {
    const auto exponent = scalar(pow->input(1));
    return pow->input(0) == x && exponent == 3.0;
  }
  const ir::Node* mul = made_by(value, "Mul");
  if (mul == nullptr) return false;
  const Product product = product_of(*mul);
  return product.scalar == 1 && product.factors.size() == 3 &&
         std::ranges::all_of(product.factors, [&](const ir::Value* f) { return f == x; });
}

// 1 + erf(x / sqrt(2)) or 1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)).
std::optional<ops::Gelu> gelu_gate(ir::Value* gate, const ir::Value* x) {
  ir::Value* curve = shifted(gate, 1);
  if (curve == nullptr) return std::nullopt;
  if (const ir::Node* erf = made_by(curve, "Erf")) {
    if (scaled(erf->input(0), 1 / std::numbers::sqrt2) == x) return ops::Gelu{};
    return std::nullopt;
  }
  const ir::Node* tanh = made_by(curve, "Tanh");
  if (tanh == nullptr) return std::nullopt;
  ir::Value* sum = scaled(tanh->input(0), std::sqrt(2 * std::numbers::inv_pi));
  const ir::Node* add = made_by(sum, "Add");
  ir::Value* cubic = add ? other_operand(*add, x) : nullptr;
  const ir::Node* mul = made_by(cubic, "Mul");
  if (mul == nullptr) return std::nullopt;
  const auto operand = scalar_operand(mul);
  if (operand && close(operand->scalar, 0.044715) && is_cube(operand->value, x))
    return ops::Gelu{.approximate = "tanh"};
  return std::nullopt;
}

// clip(x + 3, 0, 6), whose sixth is the hard sigmoid.
ir::Value* hard_gate(ir::Value* value) {
  const ir::Node* clip = made_by(value, "Clip");
  if (!clip || scalar(clip->input(1)) != 0.0 || scalar(clip->input(2)) != 6.0) return nullptr;
  return shifted(clip->input(0), 3);
}

// Products of x and a gate that is computed from x.
ir::Value* recognise_product(ir::Node& node, ir::Builder& b) {
  const Product product = product_of(node);
  if (product.factors.size() != 2) return nullptr;
  for (size_t i : {size_t{0}, size_t{1}}) {
    ir::Value *x = product.factors[i], *gate = product.factors[1 - i];
    if (!is_floating(x->dtype())) return nullptr;
    if (close(product.scalar, 0.5, 1e-6)) {
      if (const auto gelu = gelu_gate(gate, x)) return b.emit(*gelu, {x});
    }
    if (close(product.scalar, 1.0 / 6, 1e-6) && hard_gate(gate) == x)
      return b.emit_named("HardSwish", {x});
    if (product.scalar != 1) continue;
    if (const ir::Node* sigmoid = made_by(gate, "Sigmoid")) {
      ir::Value* inner = sigmoid->input(0);
      if (inner == x) return b.emit(ops::Swish{}, {x});
      const auto operand = scalar_operand(made_by(inner, "Mul"));
      if (operand && operand->value == x)
        return b.emit(ops::Swish{.alpha = static_cast<float>(operand->scalar)}, {x});
    }
    if (const ir::Node* hard = made_by(gate, "HardSigmoid"); hard && hard->input(0) == x) {
      const auto op = hard->as<ops::HardSigmoid>();
      if (close(op.alpha, 1.0 / 6, 1e-6) && op.beta == 0.5f) return b.emit_named("HardSwish", {x});
    }
    const ir::Node* tanh = made_by(gate, "Tanh");
    const ir::Node* softplus = tanh ? made_by(tanh->input(0), "Softplus") : nullptr;
    if (softplus && softplus->input(0) == x) return b.emit_named("Mish", {x});
  }
  return nullptr;
}

// Division at the end: x * clip(x + 3, 0, 6) / 6, and the hard sigmoid alone.
ir::Value* recognise_division(ir::Node& node, ir::Builder& b) {
  const auto by = scalar(node.input(1));
  if (by != 6.0) return nullptr;
  if (const ir::Node* mul = made_by(node.input(0), "Mul")) {
    for (ir::Value* gate : mul->inputs()) {
      ir::Value* x = hard_gate(gate);
      if (x && other_operand(*mul, gate) == x) return b.emit_named("HardSwish", {x});
    }
  }
  if (ir::Value* x = hard_gate(node.input(0)))
    return b.emit(ops::HardSigmoid{.alpha = 1.0f / 6.0f, .beta = 0.5f}, {x});
  return nullptr;
}

// max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
ir::Value* recognise_celu(ir::Node& node, ir::Builder& b) {
  for (size_t i : {size_t{0}, size_t{1}}) {
    const ir::Node *above = made_by(node.input(i), "Max"),
                   *below = made_by(node.input(1 - i), "Min");
    const auto x = scalar_operand(above), part = scalar_operand(below);
    if (!x || !part || x->scalar != 0 || part->scalar != 0) continue;
    const auto product = scalar_operand(made_by(part->value, "Mul"));
    const ir::Node* sub = product ? made_by(product->value, "Sub") : nullptr;
    const ir::Node* exp = sub ? made_by(sub->input(0), "Exp") : nullptr;
    if (!exp || scalar(sub->input(1)) != 1.0) continue;
    const ir::Node* div = made_by(exp->input(0), "Div");
    if (!div || div->input(0) != x->value || scalar(div->input(1)) != product->scalar) continue;
    return b.emit(ops::Celu{.alpha = static_cast<float>(product->scalar)}, {x->value});
  }
  return nullptr;
}

// a < b or a == b.
ir::Value* recognise_or_equal(ir::Node& node, ir::Builder& b) {
  for (size_t i : {size_t{0}, size_t{1}}) {
    const ir::Node* equal = made_by(node.input(1 - i), "Equal");
    if (equal == nullptr) continue;
    for (const char* strict : {"Greater", "Less"}) {
      const ir::Node* relation = made_by(node.input(i), strict);
      if (relation && relation->input(0) == equal->input(0) &&
          relation->input(1) == equal->input(1))
        return b.emit_named(std::string(strict) + "OrEqual",
                            {relation->input(0), relation->input(1)});
    }
  }
  return nullptr;
}

// Integers that are compared and picked: minimum, maximum, clip, rectifier. Floats are left alone,
// as NaN would be picked otherwise.
ir::Value* recognise_pick(ir::Node& node, ir::Builder& b) {
  ir::Value *picked = node.input(1), *rest = node.input(2);
  if (!is_integral(node.output(0)->dtype())) return nullptr;
  const bool is_limit = picked->rank() == 0 && rest->rank().value_or(0) > 0;
  for (const char* relation : {"Less", "Greater"}) {
    const ir::Node* compare = made_by(node.input(0), relation);
    if (compare == nullptr) continue;
    const bool less = std::string_view(relation) == "Less";
    ir::Value *first = compare->input(0), *second = compare->input(1);
    if (less && first == rest && second == picked) {
      if (scalar(picked) == 0.0) return b.emit_named("Relu", {rest});
      if (is_limit) return b.emit(ops::Clip{}, {rest, picked});
    }
    if (less && first == picked && second == rest && is_limit) {
      if (ir::Node* clip = made_by(rest, "Clip"); clip && !clip->input(2))
        return b.emit(ops::Clip{}, {clip->input(0), clip->input(1), picked});
      return b.emit(ops::Clip{}, {rest, nullptr, picked});
    }
    if (first == picked && second == rest)
      return b.emit_named(less ? "Min" : "Max", {rest, picked});
  }
  return nullptr;
}

// Where(column - row < k, 0, x): the upper triangle; with > the lower.
ir::Value* recognise_triangle(ir::Node& node, ir::Builder& b) {
  ir::Value* x = node.input(2);
  const auto& shape = x->shape();
  if (!shape || shape->size() < 2 || scalar(node.input(1)) != 0.0) return nullptr;
  for (const bool upper : {true, false}) {
    const ir::Node* compare = made_by(node.input(0), upper ? "Less" : "Greater");
    const ir::Node* offset = compare ? made_by(compare->input(0), "Sub") : nullptr;
    if (!offset || !is_count(offset->input(0), shape->back(), 0) ||
        !is_count(offset->input(1), (*shape)[shape->size() - 2], 1))
      continue;
    ir::Value* k = compare->input(1);
    if (k->dtype() != DType::i64) continue;
    return b.emit(ops::Trilu{.upper = upper},
                  scalar(k) == 0.0 ? std::vector{x} : std::vector{x, k});
  }
  return nullptr;
}

ir::Value* recognise(ir::Node& node, ir::Builder& b) {
  if (node.op == "Mul") return recognise_product(node, b);
  if (node.op == "Div") return recognise_division(node, b);
  if (node.op == "Add") return recognise_celu(node, b);
  if (node.op == "Or") return recognise_or_equal(node, b);
  if (node.op == "Where") {
    ir::Value* triangle = recognise_triangle(node, b);
    return triangle ? triangle : recognise_pick(node, b);
  }
  return nullptr;
}

}  // namespace

Result<bool> recognise_activations(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node)) continue;
    ir::Builder b = builder_before(*node, context);
    ir::Value* value = recognise(*node, b);
    if (value == nullptr) continue;
    // A constant in the formula may have had the larger shape.
    if (value->shape() != node->output(0)->shape()) continue;
    changed |= replace_node(*node, b, std::array{value});
  }
  return changed;
}

}  // namespace tenon::passes
