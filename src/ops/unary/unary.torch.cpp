#include "ops/unary/unary.h"

#include <cmath>

#include "ops/common/lower.h"
#include "torch/lowering.h"

namespace tenon::ops {
namespace unary_lowering {

using torch::LowerContext;

// The operator itself, in the input's type.
template <const char* op>
ir::Value* same(LowerContext& c) {
  return c.b.emit_named(op, {c.tensor("self")});
}

// PyTorch computes these in float for integers and booleans.
template <const char* op>
ir::Value* floating(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return c.b.emit_named(op, {c.b.cast(x, LowerContext::floating(x->dtype()))});
}

// Rounding leaves integers alone.
template <const char* op>
ir::Value* rounding(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return is_floating(x->dtype()) ? c.b.emit_named(op, {x}) : x;
}

constexpr char kRelu[] = "Relu", kAbs[] = "Abs", kNeg[] = "Neg";
constexpr char kFloor[] = "Floor", kCeil[] = "Ceil", kRound[] = "Round";
constexpr char kSigmoid[] = "Sigmoid", kTanh[] = "Tanh", kExp[] = "Exp", kLog[] = "Log",
               kSqrt[] = "Sqrt";
constexpr char kReciprocal[] = "Reciprocal", kErf[] = "Erf", kSin[] = "Sin", kCos[] = "Cos",
               kTan[] = "Tan";
constexpr char kAsin[] = "Asin", kAcos[] = "Acos", kAtan[] = "Atan", kSinh[] = "Sinh",
               kCosh[] = "Cosh";
constexpr char kAsinh[] = "Asinh", kAcosh[] = "Acosh", kAtanh[] = "Atanh",
               kHardSwish[] = "HardSwish";
constexpr char kMish[] = "Mish", kIsNaN[] = "IsNaN";

ir::Value* rsqrt(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  x = c.b.cast(x, LowerContext::floating(x->dtype()));
  return c.b.emit_named("Reciprocal", {c.b.emit_named("Sqrt", {x})});
}

ir::Value* logical_not(LowerContext& c) {
  return c.b.emit_named("Not", {c.b.cast(c.tensor("self"), DType::boolean)});
}

ir::Value* bitwise_not(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return c.b.emit_named(x->dtype() == DType::boolean ? "Not" : "BitwiseNot", {x});
}

// PyTorch gives 0 for what is no number.
ir::Value* sign(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  if (x->dtype() == DType::boolean) return x;
  ir::Value* y = c.b.emit_named("Sign", {x});
  return is_floating(x->dtype())
             ? lower::where(c, c.b.emit_named("IsNaN", {x}), lower::like(c, x, 0), y)
             : y;
}

ir::Value* float_self(LowerContext& c) { return lower::floating(c, c.tensor("self")); }

// log(x) over a constant; log1p and expm1 keep their precision near zero by Kahan's corrections.
template <int base>
ir::Value* log_of_base(LowerContext& c) {
  ir::Value* x = float_self(c);
  return lower::div(c, c.b.emit_named("Log", {x}), lower::like(c, x, std::log(base)));
}
// log(1 + x) = x * log(u) / (u - 1) with u = 1 + x rounded; x itself where u is 1.
ir::Value* log1p(LowerContext& c) {
  ir::Value* x = float_self(c);
  ir::Value* one = lower::like(c, x, 1);
  ir::Value* u = lower::add(c, x, one);
  ir::Value* log = c.b.emit_named("Log", {u});
  ir::Value* exact = lower::mul(c, log, lower::div(c, x, lower::sub(c, u, one)));
  ir::Value* infinite = c.b.emit(IsInf{}, {u});
  return lower::where(c, c.b.emit_named("Equal", {u, one}), x, lower::where(c, infinite, u, exact));
}
// exp(x) - 1 = (u - 1) * x / log(u) with u = exp(x) rounded.
ir::Value* expm1(LowerContext& c) {
  ir::Value* x = float_self(c);
  ir::Value* one = lower::like(c, x, 1);
  ir::Value* u = c.b.emit_named("Exp", {x});
  ir::Value* less = lower::sub(c, u, one);
  ir::Value* exact = lower::mul(c, less, lower::div(c, x, c.b.emit_named("Log", {u})));
  ir::Value* large = c.b.emit_named("Greater", {c.b.emit_named("Abs", {x}), lower::like(c, x, 8)});
  return lower::where(c, c.b.emit_named("Equal", {u, one}), x, lower::where(c, large, less, exact));
}
ir::Value* exp2(LowerContext& c) {
  ir::Value* x = float_self(c);
  return c.b.emit_named("Pow", {lower::like(c, x, 2), x});
}
ir::Value* erfc(LowerContext& c) {
  ir::Value* x = float_self(c);
  return lower::sub(c, lower::like(c, x, 1), c.b.emit_named("Erf", {x}));
}
ir::Value* softsign(LowerContext& c) { return c.b.emit_named("Softsign", {float_self(c)}); }

ir::Value* truncated(LowerContext& c, ir::Value* x) {
  ir::Value* below = c.b.emit_named("Less", {x, lower::like(c, x, 0)});
  return lower::where(c, below, c.b.emit_named("Ceil", {x}), c.b.emit_named("Floor", {x}));
}
ir::Value* trunc(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return is_floating(x->dtype()) ? truncated(c, x) : x;
}
ir::Value* frac(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return lower::sub(c, x, truncated(c, x));
}
// To so many decimals; PyTorch scales by a power of ten, too.
ir::Value* round_decimals(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  const int64_t decimals = c.constant("decimals");
  if (!is_floating(x->dtype())) return decimals >= 0 ? x : c.refuse("integers rounded to tens");
  ir::Value* scale = lower::like(c, x, std::pow(10.0, static_cast<double>(std::abs(decimals))));
  if (decimals >= 0)
    return lower::div(c, c.b.emit_named("Round", {lower::mul(c, x, scale)}), scale);
  return lower::mul(c, c.b.emit_named("Round", {lower::div(c, x, scale)}), scale);
}

ir::Value* constant_like(LowerContext& c, ir::Value* x, bool value) {
  return lower::filled(c, lower::sizes(c, x), value ? 1 : 0, DType::boolean);
}
template <bool positive, bool negative>
ir::Value* is_infinite(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  if (!is_floating(x->dtype())) return constant_like(c, x, false);
  return c.b.emit(IsInf{.detect_negative = negative, .detect_positive = positive}, {x});
}
ir::Value* is_finite(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  if (!is_floating(x->dtype())) return constant_like(c, x, true);
  return c.b.emit_named("Less", {c.b.emit_named("Abs", {x}), lower::like(c, x, HUGE_VAL)});
}
ir::Value* is_nan(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return is_floating(x->dtype()) ? c.b.emit_named("IsNaN", {x}) : constant_like(c, x, false);
}
ir::Value* sign_bit(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  if (x->dtype() == DType::boolean) return constant_like(c, x, false);
  return c.b.emit_named("Less", {x, lower::like(c, x, 0)});
}

ir::Value* nan_to_num(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  if (!is_floating(x->dtype())) return x;
  const double largest = x->dtype() == DType::f64    ? 1.7976931348623157e308
                         : x->dtype() == DType::f16  ? 65504.0
                         : x->dtype() == DType::bf16 ? 3.3895313892515355e38
                                                     : 3.4028234663852886e38;
  auto number = [&](const char* name, double fallback) {
    return lower::like(c, x, c.has(name) ? c.number(name) : fallback);
  };
  ir::Value* y = lower::where(c, c.b.emit_named("IsNaN", {x}), number("nan", 0), x);
  y = lower::where(c, c.b.emit(IsInf{.detect_negative = false}, {x}), number("posinf", largest), y);
  return lower::where(c, c.b.emit(IsInf{.detect_positive = false}, {x}), number("neginf", -largest),
                      y);
}

// log(x / (1 - x)), x first drawn away from 0 and 1 by eps.
ir::Value* logit(LowerContext& c) {
  ir::Value* x = float_self(c);
  ir::Value* one = lower::like(c, x, 1);
  if (c.has("eps")) {
    const double eps = c.number("eps");
    x = c.b.emit_named("Clip", {x, lower::like(c, x, eps), lower::like(c, x, 1 - eps)});
  }
  return c.b.emit_named("Log", {lower::div(c, x, lower::sub(c, one, x))});
}
template <bool to_degrees>
ir::Value* angle(LowerContext& c) {
  ir::Value* x = float_self(c);
  const double turn = 3.14159265358979323846 / 180;
  return lower::mul(c, x, lower::like(c, x, to_degrees ? 1 / turn : turn));
}

}  // namespace unary_lowering

std::span<const torch::Lowering> unary_torch() {
  using namespace unary_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::relu", same<kRelu>},
      {"aten::abs", same<kAbs>},
      {"aten::neg", same<kNeg>},
      {"aten::sign", sign},
      {"aten::floor", rounding<kFloor>},
      {"aten::ceil", rounding<kCeil>},
      {"aten::round", rounding<kRound>},
      {"aten::sigmoid", floating<kSigmoid>},
      {"aten::tanh", floating<kTanh>},
      {"aten::exp", floating<kExp>},
      {"aten::log", floating<kLog>},
      {"aten::sqrt", floating<kSqrt>},
      {"aten::rsqrt", rsqrt},
      {"aten::reciprocal", floating<kReciprocal>},
      {"aten::erf", floating<kErf>},
      {"aten::sin", floating<kSin>},
      {"aten::cos", floating<kCos>},
      {"aten::tan", floating<kTan>},
      {"aten::asin", floating<kAsin>},
      {"aten::acos", floating<kAcos>},
      {"aten::atan", floating<kAtan>},
      {"aten::sinh", floating<kSinh>},
      {"aten::cosh", floating<kCosh>},
      {"aten::asinh", floating<kAsinh>},
      {"aten::acosh", floating<kAcosh>},
      {"aten::atanh", floating<kAtanh>},
      {"aten::hardswish", same<kHardSwish>},
      {"aten::mish", same<kMish>},
      {"aten::isnan", is_nan},
      {"aten::log2", log_of_base<2>},
      {"aten::log10", log_of_base<10>},
      {"aten::log1p", log1p},
      {"aten::special_log1p", log1p},
      {"aten::expm1", expm1},
      {"aten::special_expm1", expm1},
      {"aten::exp2", exp2},
      {"aten::special_exp2", exp2},
      {"aten::erfc", erfc},
      {"aten::special_erfc", erfc},
      {"aten::special_erf", floating<kErf>},
      {"aten::special_expit", floating<kSigmoid>},
      {"aten::softsign", softsign},
      {"aten::trunc", trunc},
      {"aten::fix", trunc},
      {"aten::frac", frac},
      {"aten::round.decimals", round_decimals},
      {"aten::isinf", is_infinite<true, true>},
      {"aten::isposinf", is_infinite<true, false>},
      {"aten::isneginf", is_infinite<false, true>},
      {"aten::isfinite", is_finite},
      {"aten::signbit", sign_bit},
      {"aten::sgn", sign},
      {"aten::negative", same<kNeg>},
      {"aten::absolute", same<kAbs>},
      {"aten::nan_to_num", nan_to_num},
      {"aten::logit", logit},
      {"aten::special_logit", logit},
      {"aten::deg2rad", angle<false>},
      {"aten::rad2deg", angle<true>},
      {"aten::arcsin", floating<kAsin>},
      {"aten::arccos", floating<kAcos>},
      {"aten::arctan", floating<kAtan>},
      {"aten::arcsinh", floating<kAsinh>},
      {"aten::arccosh", floating<kAcosh>},
      {"aten::arctanh", floating<kAtanh>},
      {"aten::logical_not", logical_not},
      {"aten::bitwise_not", bitwise_not},
  };
  return kAll;
}

}  // namespace tenon::ops
