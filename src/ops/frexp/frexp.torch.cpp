// A number as a mantissa from 0.5 to 1 and a power of two.
#include <numbers>

#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace frexp_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

// 2 ^ -power in two factors, each of which the type holds for subnormal numbers too.
Expr scaled_down(LowerContext& c, const Expr& x, const Expr& power) {
  const Expr half = (power * 0.5).call("floor");
  const Expr two(c, lower::like(c, x.result(), 2));
  return x * two.call("pow", {-half}) * two.call("pow", {half - power});
}

// The logarithm gives the power but for one more or less, which the mantissa tells.
V* frexp(LowerContext& c) {
  V* given = c.tensor("self");
  if (!is_floating(given->dtype())) return c.refuse("frexp takes floating point numbers only");
  const bool wide = given->dtype() == DType::f64;
  const Expr x(c, c.b.cast(given, wide ? DType::f64 : DType::f32));
  const Expr size = x.call("abs");
  const Expr plain = (size > 0).call("logical_and", {size < HUGE_VAL});
  const Expr safe = plain.where(x, 1.0);
  Expr power = (safe.call("abs").call("log") * std::numbers::log2e).call("floor") + 1;
  Expr mantissa = scaled_down(c, safe, power);
  const Expr above = mantissa.call("abs") >= 1;
  mantissa = above.where(mantissa * 0.5, mantissa);
  power = above.where(power + 1, power);
  const Expr below = mantissa.call("abs") < 0.5;
  mantissa = below.where(mantissa * 2, mantissa);
  power = below.where(power - 1, power);
  return c.give({c.b.cast(plain.where(mantissa, x).result(), given->dtype()),
                 c.b.cast(plain.where(power, 0).result(), DType::i32)});
}

}  // namespace frexp_lowering

std::span<const torch::Lowering> frexp_torch() {
  using namespace frexp_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::frexp.Tensor", frexp}};
  return kAll;
}

}  // namespace tenon::ops
