#include "ops/binary/binary.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace binary_lowering {

using lower::V;
using torch::LowerContext;

struct Pair {
  V *a, *b;
  DType type;
};

// Both operands in the type that PyTorch computes in.
Pair operands(LowerContext& c, std::string_view a = "self", std::string_view b = "other") {
  const DType type = c.promoted({a, b});
  return {c.operand(a, type), c.operand(b, type), type};
}
// The same where integers are computed as floats.
Pair floating_operands(LowerContext& c, std::string_view a = "self", std::string_view b = "other") {
  const DType type = LowerContext::floating(c.promoted({a, b}));
  return {c.operand(a, type), c.operand(b, type), type};
}

V* modulo(LowerContext& c, V* a, V* b, bool fmod) { return c.b.emit(Mod{.fmod = fmod}, {a, b}); }
V* named(LowerContext& c, const char* op, V* a, V* b) { return c.b.emit_named(op, {a, b}); }
V* zero(LowerContext& c, V* x) { return lower::like(c, x, 0); }
V* negative(LowerContext& c, V* x) { return named(c, "Less", x, zero(c, x)); }

V* scaled(LowerContext& c, V* x) {
  if (!c.has("alpha")) return x;
  const torch::Value& alpha = c.value("alpha");
  if (const ir::Dim* d = alpha.get<ir::Dim>(); d && d->is(1)) return x;
  if (const torch::Float* f = alpha.get<torch::Float>(); f && f->is_known() && f->known == 1)
    return x;
  return lower::mul(c, x, c.scalar("alpha", x->dtype()));
}

V* add(LowerContext& c) {
  const Pair p = operands(c);
  return lower::add(c, p.a, scaled(c, p.b));
}
V* sub(LowerContext& c) {
  const Pair p = operands(c);
  return lower::sub(c, p.a, scaled(c, p.b));
}
V* rsub(LowerContext& c) {
  const Pair p = operands(c);
  return lower::sub(c, p.b, scaled(c, p.a));
}
V* mul(LowerContext& c) {
  const Pair p = operands(c);
  return lower::mul(c, p.a, p.b);
}
V* true_divide(LowerContext& c) {
  const Pair p = floating_operands(c);
  return lower::div(c, p.a, p.b);
}

// Whether the quotient's remainder has another sign than the divisor.
V* crosses(LowerContext& c, V* remainder, V* divisor) {
  V* nonzero = c.b.emit_named("Not", {named(c, "Equal", remainder, zero(c, remainder))});
  return named(c, "And", nonzero, named(c, "Xor", negative(c, divisor), negative(c, remainder)));
}

// As PyTorch computes it: exact where a / b rounds up to an integer that b does not reach.
V* floor_divide_values(LowerContext& c, V* a, V* b) {
  if (!is_floating(a->dtype())) return lower::div(c, lower::sub(c, a, modulo(c, a, b, false)), b);
  V* rest = modulo(c, a, b, true);
  V* quotient = lower::div(c, lower::sub(c, a, rest), b);
  quotient = lower::sub(c, quotient, c.b.cast(crosses(c, rest, b), a->dtype()));
  V* whole = c.b.emit_named("Round", {quotient});
  return lower::where(c, named(c, "Equal", b, zero(c, b)), lower::div(c, a, b), whole);
}

V* truncate(LowerContext& c, V* x) {
  return lower::where(c, negative(c, x), c.b.emit_named("Ceil", {x}), c.b.emit_named("Floor", {x}));
}

V* floor_divide(LowerContext& c) {
  const Pair p = operands(c);
  return floor_divide_values(c, p.a, p.b);
}

V* divide_rounded(LowerContext& c) {
  if (!c.has("rounding_mode")) return true_divide(c);
  if (c.text("rounding_mode") == "floor") return floor_divide(c);
  if (c.text("rounding_mode") != "trunc")
    return c.refuse("rounding mode '" + c.text("rounding_mode") + "' is not known");
  const Pair p = operands(c);
  V* quotient = lower::div(c, p.a, p.b);
  return is_floating(p.type) ? truncate(c, quotient) : quotient;
}

// The remainder has the divisor's sign, as in Python.
V* remainder(LowerContext& c) {
  const Pair p = operands(c);
  if (!is_floating(p.type)) return modulo(c, p.a, p.b, false);
  V* rest = modulo(c, p.a, p.b, true);
  return lower::where(c, crosses(c, rest, p.b), lower::add(c, rest, p.b), rest);
}
V* fmod(LowerContext& c) {
  const Pair p = operands(c);
  return modulo(c, p.a, p.b, true);
}

V* pow(LowerContext& c) {
  const Pair p = operands(c, "self", "exponent");
  V* power = named(c, "Pow", p.a, p.b);
  if (is_floating(p.type) || c.is_number("exponent")) return power;
  // Of integers PyTorch gives 0 for a negative power of 0, where engines give what they like.
  V* none = named(c, "And", named(c, "Equal", p.a, zero(c, p.a)), negative(c, p.b));
  return lower::where(c, none, zero(c, power), power);
}
V* float_power(LowerContext& c) {
  return named(c, "Pow", c.operand("self", DType::f64), c.operand("exponent", DType::f64));
}

V* square(LowerContext& c) {
  V* x = c.tensor("self");
  if (x->dtype() == DType::boolean) x = c.b.cast(x, DType::i64);  // a power, unlike a product
  return lower::mul(c, x, x);
}

V* larger(LowerContext& c, const Pair& p) {
  return named(c, p.type == DType::boolean ? "Or" : "Max", p.a, p.b);
}
V* smaller(LowerContext& c, const Pair& p) {
  return named(c, p.type == DType::boolean ? "And" : "Min", p.a, p.b);
}
V* maximum(LowerContext& c) { return larger(c, operands(c)); }
V* minimum(LowerContext& c) { return smaller(c, operands(c)); }
// fmax and fmin take the other operand where one is not a number.
template <bool greater>
V* numeric_extreme(LowerContext& c) {
  const Pair p = operands(c);
  V* extreme = greater ? larger(c, p) : smaller(c, p);
  if (!is_floating(p.type)) return extreme;
  V* rest = lower::where(c, c.b.emit_named("IsNaN", {p.b}), p.a, extreme);
  return lower::where(c, c.b.emit_named("IsNaN", {p.a}), p.b, rest);
}

V* addcmul(LowerContext& c) {
  const DType type = c.promoted({"self", "tensor1", "tensor2"});
  V* product = lower::mul(c, c.operand("tensor1", type), c.operand("tensor2", type));
  return lower::add(c, c.operand("self", type), lower::mul(c, product, c.scalar("value", type)));
}
V* addcdiv(LowerContext& c) {
  const DType type = LowerContext::floating(c.promoted({"self", "tensor1", "tensor2"}));
  V* quotient = lower::div(c, lower::mul(c, c.operand("tensor1", type), c.scalar("value", type)),
                           c.operand("tensor2", type));
  return lower::add(c, c.operand("self", type), quotient);
}
// From the end that is nearer, as PyTorch does: it matters where the other is infinite.
V* lerp(LowerContext& c) {
  const DType type = c.promoted({"self", "end"});
  V *start = c.operand("self", type), *end = c.operand("end", type),
    *weight = c.operand("weight", type);
  V* span = lower::sub(c, end, start);
  V* from_start = lower::add(c, start, lower::mul(c, weight, span));
  V* rest = lower::sub(c, lower::like(c, weight, 1), weight);
  V* from_end = lower::sub(c, end, lower::mul(c, span, rest));
  const torch::Value& given = c.value("weight");
  if (const auto* number = given.get<torch::Float>(); number && number->is_known())
    return std::abs(number->known) < 0.5 ? from_start : from_end;
  V* near = c.b.emit_named("Less", {c.b.emit_named("Abs", {weight}), lower::like(c, weight, 0.5)});
  return lower::where(c, near, from_start, from_end);
}

// log(exp(a) + exp(b)), without overflow: the larger plus log1p(exp(-|a - b|)).
template <bool base_two>
V* log_add_exp(LowerContext& c) {
  const Pair p = floating_operands(c);
  const double ln2 = 0.69314718055994530942;
  V* distance = c.b.emit_named("Neg", {c.b.emit_named("Abs", {lower::sub(c, p.a, p.b)})});
  if (base_two) distance = lower::mul(c, distance, lower::like(c, p.a, ln2));
  V* more = c.b.emit_named("Softplus", {distance});
  if (base_two) more = lower::div(c, more, lower::like(c, p.a, ln2));
  V* larger = named(c, "Max", p.a, p.b);
  return lower::where(c, named(c, "Equal", p.a, p.b),
                      lower::add(c, larger, lower::like(c, larger, base_two ? 1 : ln2)),
                      lower::add(c, larger, more));
}

V* hypot(LowerContext& c) {
  const Pair p = operands(c);
  V* a = c.b.emit_named("Abs", {p.a});
  V* b = c.b.emit_named("Abs", {p.b});
  V *large = named(c, "Max", a, b), *small = named(c, "Min", a, b);
  V* ratio = lower::div(c, small, large);
  V* root = c.b.emit_named("Sqrt",
                           {lower::add(c, lower::mul(c, ratio, ratio), lower::like(c, ratio, 1))});
  return lower::where(c, named(c, "Equal", large, zero(c, large)), zero(c, large),
                      lower::mul(c, large, root));
}

V* atan2(LowerContext& c) {
  const Pair p = floating_operands(c);
  const double pi = 3.14159265358979323846;
  auto number = [&](double v) { return lower::like(c, p.a, v); };
  V* quotient = c.b.emit_named("Atan", {lower::div(c, p.a, p.b)});
  V* signed_pi = lower::where(c, negative(c, p.a), number(-pi), number(pi));
  V* left = lower::add(c, quotient, signed_pi);
  V* upright = lower::mul(c, c.b.emit_named("Sign", {p.a}), number(pi / 2));
  V* out = lower::where(c, negative(c, p.b), left, quotient);
  return lower::where(c, named(c, "Equal", p.b, number(0)), upright, out);
}

// x * log(y), which is 0 where x is, whatever y is short of not-a-number.
template <bool plus_one>
V* x_log_y(LowerContext& c) {
  const Pair p = floating_operands(c);
  V* b = plus_one ? lower::add(c, p.b, lower::like(c, p.b, 1)) : p.b;
  V* product = lower::mul(c, p.a, c.b.emit_named("Log", {b}));
  V* vanishes = named(c, "And", named(c, "Equal", p.a, zero(c, p.a)),
                      c.b.emit_named("Not", {c.b.emit_named("IsNaN", {p.b})}));
  return lower::where(c, vanishes, zero(c, p.a), product);
}

V* heaviside(LowerContext& c) {
  const DType type = c.promoted({"self", "values"});
  V *x = c.operand("self", type), *at_zero = c.operand("values", type);
  if (type == DType::boolean) x = c.b.cast(x, DType::i32);
  // What is not a number is not above 0.
  V* above = c.b.cast(named(c, "Greater", x, zero(c, x)), type);
  return lower::where(c, named(c, "Equal", x, zero(c, x)), at_zero, above);
}

V* copysign(LowerContext& c) {
  const Pair p = floating_operands(c);
  // Dividing tells -0 from 0.
  V* minus =
      named(c, "Or", negative(c, p.b), negative(c, lower::div(c, lower::like(c, p.b, 1), p.b)));
  V* size = c.b.emit_named("Abs", {p.a});
  return lower::where(c, minus, c.b.emit_named("Neg", {size}), size);
}

V* ldexp(LowerContext& c) {
  const Pair p = floating_operands(c);
  return lower::mul(c, p.a, named(c, "Pow", lower::like(c, p.b, 2), p.b));
}

// Bits: booleans have operators of their own.
template <const char* integers, const char* booleans>
V* bitwise(LowerContext& c) {
  const Pair p = operands(c);
  return named(c, p.type == DType::boolean ? booleans : integers, p.a, p.b);
}
constexpr char kAnd[] = "And", kOr[] = "Or", kXor[] = "Xor";
constexpr char kBitAnd[] = "BitwiseAnd", kBitOr[] = "BitwiseOr", kBitXor[] = "BitwiseXor";

template <const char* op>
V* logical(LowerContext& c) {
  return named(c, op, c.operand("self", DType::boolean), c.operand("other", DType::boolean));
}

// ONNX shifts unsigned integers only; for the others a shift is a product with a power of two.
template <bool left>
V* shift(LowerContext& c) {
  const Pair p = operands(c);
  if (p.type == DType::u8 || p.type == DType::u16 || p.type == DType::u32 || p.type == DType::u64) {
    return c.b.emit(BitShift{.direction = left ? "LEFT" : "RIGHT"}, {p.a, p.b});
  }
  if (is_floating(p.type)) {
    V* power = named(c, "Pow", lower::like(c, p.b, 2), p.b);
    return left ? lower::mul(c, p.a, power) : lower::div(c, p.a, power);
  }
  V* wide_a = c.b.cast(p.a, DType::i64);
  V* power = named(c, "Pow", c.b.scalar_int(2), c.b.cast(p.b, DType::i64));
  return c.b.cast(left ? lower::mul(c, wide_a, power) : floor_divide_values(c, wide_a, power),
                  p.type);
}

}  // namespace binary_lowering

std::span<const torch::Lowering> binary_torch() {
  using namespace binary_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::add.Tensor", add},
      {"aten::add.Scalar", add},
      {"aten::sub.Tensor", sub},
      {"aten::sub.Scalar", sub},
      {"aten::subtract.Tensor", sub},
      {"aten::subtract.Scalar", sub},
      {"aten::rsub.Tensor", rsub},
      {"aten::rsub.Scalar", rsub},
      {"aten::mul.Tensor", mul},
      {"aten::mul.Scalar", mul},
      {"aten::multiply.Tensor", mul},
      {"aten::multiply.Scalar", mul},
      {"aten::div.Tensor", true_divide},
      {"aten::div.Scalar", true_divide},
      {"aten::div.Tensor_mode", divide_rounded},
      {"aten::div.Scalar_mode", divide_rounded},
      {"aten::divide.Tensor", true_divide},
      {"aten::divide.Scalar", true_divide},
      {"aten::divide.Tensor_mode", divide_rounded},
      {"aten::divide.Scalar_mode", divide_rounded},
      {"aten::true_divide.Tensor", true_divide},
      {"aten::true_divide.Scalar", true_divide},
      {"aten::floor_divide", floor_divide},
      {"aten::floor_divide.Scalar", floor_divide},
      {"aten::remainder.Tensor", remainder},
      {"aten::remainder.Scalar", remainder},
      {"aten::remainder.Scalar_Tensor", remainder},
      {"aten::fmod.Tensor", fmod},
      {"aten::fmod.Scalar", fmod},
      {"aten::pow.Tensor_Tensor", pow},
      {"aten::pow.Tensor_Scalar", pow},
      {"aten::pow.Scalar", pow},
      {"aten::float_power.Tensor_Tensor", float_power},
      {"aten::float_power.Tensor_Scalar", float_power},
      {"aten::float_power.Scalar", float_power},
      {"aten::square", square},
      {"aten::maximum", maximum},
      {"aten::minimum", minimum},
      {"aten::max.other", maximum},
      {"aten::min.other", minimum},
      {"aten::fmax", numeric_extreme<true>},
      {"aten::fmin", numeric_extreme<false>},
      {"aten::addcmul", addcmul},
      {"aten::addcdiv", addcdiv},
      {"aten::lerp.Scalar", lerp},
      {"aten::lerp.Tensor", lerp},
      {"aten::logaddexp", log_add_exp<false>},
      {"aten::logaddexp2", log_add_exp<true>},
      {"aten::hypot", hypot},
      {"aten::atan2", atan2},
      {"aten::arctan2", atan2},
      {"aten::xlogy.Tensor", x_log_y<false>},
      {"aten::xlogy.Scalar_Self", x_log_y<false>},
      {"aten::xlogy.Scalar_Other", x_log_y<false>},
      {"aten::special_xlogy", x_log_y<false>},
      {"aten::special_xlog1py", x_log_y<true>},
      {"aten::heaviside", heaviside},
      {"aten::copysign.Tensor", copysign},
      {"aten::copysign.Scalar", copysign},
      {"aten::ldexp.Tensor", ldexp},
      {"aten::bitwise_and.Tensor", bitwise<kBitAnd, kAnd>},
      {"aten::bitwise_and.Scalar", bitwise<kBitAnd, kAnd>},
      {"aten::bitwise_and.Scalar_Tensor", bitwise<kBitAnd, kAnd>},
      {"aten::bitwise_or.Tensor", bitwise<kBitOr, kOr>},
      {"aten::bitwise_or.Scalar", bitwise<kBitOr, kOr>},
      {"aten::bitwise_or.Scalar_Tensor", bitwise<kBitOr, kOr>},
      {"aten::bitwise_xor.Tensor", bitwise<kBitXor, kXor>},
      {"aten::bitwise_xor.Scalar", bitwise<kBitXor, kXor>},
      {"aten::bitwise_xor.Scalar_Tensor", bitwise<kBitXor, kXor>},
      {"aten::__and__.Tensor", bitwise<kBitAnd, kAnd>},
      {"aten::__and__.Scalar", bitwise<kBitAnd, kAnd>},
      {"aten::__or__.Tensor", bitwise<kBitOr, kOr>},
      {"aten::__or__.Scalar", bitwise<kBitOr, kOr>},
      {"aten::__xor__.Tensor", bitwise<kBitXor, kXor>},
      {"aten::__xor__.Scalar", bitwise<kBitXor, kXor>},
      {"aten::logical_and", logical<kAnd>},
      {"aten::logical_or", logical<kOr>},
      {"aten::logical_xor", logical<kXor>},
      {"aten::bitwise_left_shift.Tensor", shift<true>},
      {"aten::bitwise_left_shift.Tensor_Scalar", shift<true>},
      {"aten::bitwise_left_shift.Scalar_Tensor", shift<true>},
      {"aten::bitwise_right_shift.Tensor", shift<false>},
      {"aten::bitwise_right_shift.Tensor_Scalar", shift<false>},
      {"aten::bitwise_right_shift.Scalar_Tensor", shift<false>},
      {"aten::__lshift__.Tensor", shift<true>},
      {"aten::__lshift__.Scalar", shift<true>},
      {"aten::__rshift__.Tensor", shift<false>},
      {"aten::__rshift__.Scalar", shift<false>},
  };
  return kAll;
}

}  // namespace tenon::ops
