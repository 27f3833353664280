// Arithmetic on tensors whose contents are known. Traced programs compute shapes with 0-d tensors:
// such a tensor stays a symbolic integer here and never becomes a node.
#include "torch/lowering.h"

namespace tenon::torch {
namespace {

struct Rule {
  std::string_view tensor_op;  // name of the operator on tensors
  std::string_view python_op;  // the same on Python numbers
};
constexpr Rule kBinary[] = {
    {"aten::add", "aten::add"},
    {"aten::sub", "aten::sub"},
    {"aten::mul", "aten::mul"},
    {"aten::div", "aten::div"},
    {"aten::true_divide", "aten::div"},
    {"aten::floor_divide", "aten::floordiv"},
    {"aten::remainder", "aten::remainder"},
    {"aten::minimum", "prim::min"},
    {"aten::maximum", "prim::max"},
    {"aten::eq", "aten::eq"},
    {"aten::ne", "aten::ne"},
    {"aten::lt", "aten::lt"},
    {"aten::le", "aten::le"},
    {"aten::gt", "aten::gt"},
    {"aten::ge", "aten::ge"},
};
constexpr Rule kUnary[] = {{"aten::neg", "aten::neg"},
                           {"aten::floor", "aten::floor"},
                           {"aten::ceil", "aten::ceil"},
                           {"aten::round", "aten::round"}};

std::string_view find(std::span<const Rule> rules, std::string_view name) {
  for (const Rule& rule : rules) {
    if (rule.tensor_op == name) return rule.python_op;
  }
  return {};
}

bool is_comparison(std::string_view op) {
  return op == "aten::eq" || op == "aten::ne" || op == "aten::lt" || op == "aten::le" ||
         op == "aten::gt" || op == "aten::ge";
}

struct Operand {
  std::vector<Scalar> elements;
  Shape sizes;
};

std::optional<Operand> operand(const Machine& m, const Value& value) {
  if (const TensorRef* t = value.get<TensorRef>()) {
    auto elements = m.known(**t);
    if (!elements || elements->size() > 16) return std::nullopt;
    return Operand{std::move(*elements), (*t)->sizes};
  }
  if (auto scalar = to_scalar(value)) return Operand{{*scalar}, {}};
  return std::nullopt;
}

}  // namespace

Result<std::optional<Value>> known_arithmetic(Machine& m, const Schema& schema,
                                              const std::vector<Value>& args) {
  const std::optional<Value> none;
  if (args.empty() || !args[0].is<TensorRef>()) return none;
  if (std::string_view op = find(kUnary, schema.name); !op.empty() && args.size() == 1) {
    const auto x = operand(m, args[0]);
    if (!x) return none;
    std::vector<Scalar> out;
    for (const Scalar& element : x->elements) {
      if (std::holds_alternative<Float>(element) && op == "aten::round") return none;
      Value result = TRY(m.call(std::string(op), {to_value(element)}));
      if (!std::holds_alternative<Dim>(element)) {
        // floor() of a Python float is an int; of a float tensor it stays a float.
        if (const Dim* d = result.get<Dim>())
          result = d->is_constant() ? Value::number(static_cast<double>(*d->constant()))
                                    : Value(Float{0, *d, 1, 0, nullptr});
      }
      auto scalar = to_scalar(result);
      if (!scalar) return none;
      out.push_back(*scalar);
    }
    return std::optional(
        m.known_tensor((*args[0].get<TensorRef>())->dtype, x->sizes, std::move(out)));
  }
  std::string op(find(kBinary, schema.name));
  if (op.empty() || args.size() < 2) return none;
  bool truncated = false;
  for (size_t i = 2; i < args.size(); ++i) {
    if (schema.arguments[i].name == "alpha" && !(args[i].is<Dim>() && args[i].get<Dim>()->is(1)))
      return none;
    if (schema.arguments[i].name == "rounding_mode" && !args[i].is_none()) {
      truncated = m.to_text(args[i]) == "trunc";
      op = "aten::floordiv";
    }
    if (schema.arguments[i].written) return none;
  }
  const auto x = operand(m, args[0]), y = operand(m, args[1]);
  if (!x || !y ||
      !(x->elements.size() == y->elements.size() || x->elements.size() == 1 ||
        y->elements.size() == 1))
    return none;
  std::vector<Value> copy = args;
  LowerContext promotion(m, schema, copy);
  DType dtype = promotion.promoted({schema.arguments[0].name, schema.arguments[1].name});
  if (op == "aten::div" && !is_floating(dtype)) dtype = DType::f32;
  if (is_comparison(op)) dtype = DType::boolean;
  if (x->elements.empty() || y->elements.empty()) return none;
  // Element by element only where neither is spread along an axis of the other.
  const size_t count = std::max(x->elements.size(), y->elements.size());
  const auto sizes = ir::broadcast(x->sizes, y->sizes, m.ranges());
  if (!sizes || !(ir::product(*sizes) == Dim(static_cast<int64_t>(count)))) return none;
  std::vector<Scalar> out;
  for (size_t i = 0; i < count; ++i) {
    const Value a = to_value(x->elements[x->elements.size() == 1 ? 0 : i]),
                b = to_value(y->elements[y->elements.size() == 1 ? 0 : i]);
    const Dim* divisor = b.get<Dim>();
    if (divisor && divisor->is(0) &&
        (op == "aten::div" || op == "aten::floordiv" || op == "aten::remainder"))
      return none;
    if (truncated) {
      const Dim* dividend = a.get<Dim>();
      if (!dividend || !divisor || dividend->bounds(m.ranges()).min < 0 ||
          divisor->bounds(m.ranges()).min <= 0)
        return none;
    }
    auto scalar = to_scalar(TRY(m.call(op, {a, b})));
    if (!scalar) return none;
    if (const Float* f = std::get_if<Float>(&*scalar); f && f->computed) return none;
    out.push_back(*scalar);
  }
  return std::optional(m.known_tensor(dtype, *sizes, std::move(out)));
}

}  // namespace tenon::torch
