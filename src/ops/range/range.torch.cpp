#include "ops/range/range.h"

#include <cmath>

#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace range_lowering {

using lower::V;
using torch::LowerContext;

// PyTorch counts from both ends, in the type's own precision; integers in f64, from ends that are
// cut to integers first, each product and sum rounded once. A whole number that is missed by a hair
// is then cut to the one below it, so that the rounding matters.
template <class T>
std::vector<double> even_steps(double start, double end, int64_t steps) {
  const auto first = static_cast<T>(start), last = static_cast<T>(end);
  const T step = steps > 1 ? (last - first) / static_cast<T>(steps - 1) : T(0);
  std::vector<double> out;
  for (int64_t i = 0; i < steps; ++i) {
    out.push_back(static_cast<double>(i < std::max<int64_t>(steps / 2, 1)
                                          ? std::fma(step, static_cast<T>(i), first)
                                          : std::fma(-step, static_cast<T>(steps - i - 1), last)));
  }
  return out;
}

using lower::Expr;

// from + step * i, rounded once. Halving `step` makes the products exact; what the sum rounds away
// is added at the end.
Expr fused(const Expr& from, const Expr& step, const Expr& i) {
  if (from.dtype() != DType::f64) return from + step * i;
  const Expr split = step * 134217729.0;  // 2^27 + 1
  const Expr high = split - (split - step), low = step - high;
  const Expr part = high * i, sum = from + part;
  const Expr back = sum - from;
  const Expr lost = (from - (sum - back)) + (part - back);
  return sum + (lost + low * i);
}

// The same, where the ends are computed, as tensors without dimensions. `up` counts from the start,
// `down` from the end.
Expr from_both_ends(LowerContext& c, DType type, bool powers, const Expr& gaps,
                    const Expr& is_lower, const Expr& up, const Expr& down) {
  const DType compute = type == DType::f64 || !is_floating(type) ? DType::f64 : DType::f32;
  Expr start(c, c.operand("start", compute)), end(c, c.operand("end", compute));
  if (!is_floating(type)) start = start.call("trunc"), end = end.call("trunc");
  const Expr step = (end - start) / gaps.to(compute);
  Expr out =
      is_lower.where(fused(start, step, up.to(compute)), fused(end, -step, down.to(compute)));
  if (powers) out = Expr(c, c.b.scalar(c.number("base"), compute)).call("pow", {out});
  return is_floating(type) ? out : out.call("trunc");
}

V* evenly_between(LowerContext& c, int64_t steps, DType type, bool powers) {
  std::vector<double> up, down, is_lower;
  for (int64_t i = 0; i < steps; ++i) {
    up.push_back(static_cast<double>(i));
    down.push_back(static_cast<double>(steps - 1 - i));
    is_lower.push_back(i < std::max<int64_t>(steps / 2, 1) ? 1 : 0);
  }
  auto table = [&](const std::vector<double>& values, DType of) {
    return Expr(c, lower::float_table(c, values, {steps}, of));
  };
  const Expr gaps(c, c.b.scalar_int(std::max<int64_t>(steps - 1, 1)));
  return c.b.cast(from_both_ends(c, type, powers, gaps, table(is_lower, DType::boolean),
                                 table(up, DType::f64), table(down, DType::f64))
                      .result(),
                  type);
}

// Where the sizes decide how many steps there are.
V* as_many_as(LowerContext& c, const ir::Dim& steps, DType type, bool powers) {
  const Expr count(c, torch::Value(steps));
  const Expr up = count.call("arange");
  const Expr gaps(c, c.b.dim(max(steps - 1, ir::Dim(1))));
  const Expr is_lower = up < Expr(c, torch::Value(max(floordiv(steps, 2), ir::Dim(1))));
  return c.b.cast(from_both_ends(c, type, powers, gaps, is_lower, up, (count - 1) - up).result(),
                  type);
}

V* evenly(LowerContext& c, bool powers) {
  const ir::Dim many = c.integer("steps");
  if (!many.is_constant())
    return as_many_as(c, many, c.dtype("dtype").value_or(DType::f32), powers);
  const int64_t steps = *many.constant();
  const DType type = c.dtype("dtype").value_or(DType::f32);
  if (steps < 0 || steps > (int64_t{1} << 24))
    return c.refuse("the number of steps is out of range");
  if (!c.is_number("start") || !c.is_number("end")) return evenly_between(c, steps, type, powers);
  double start = c.number("start"), end = c.number("end");
  const bool whole = !is_floating(type);
  // A single power is of the start as it is.
  if (whole && !(powers && steps == 1)) start = std::trunc(start), end = std::trunc(end);
  std::vector<double> values = type == DType::f64 || whole ? even_steps<double>(start, end, steps)
                                                           : even_steps<float>(start, end, steps);
  if (powers) {
    const double base = c.number("base");
    for (double& v : values) v = std::pow(base, v);
  }
  const auto n = static_cast<int64_t>(values.size());
  if (!whole) return lower::float_table(c, values, {n}, type);
  return c.b.cast(lower::int_table(c, std::vector<int64_t>(values.begin(), values.end()), {n}),
                  type);
}
V* linspace(LowerContext& c) { return evenly(c, false); }
V* logspace(LowerContext& c) { return evenly(c, true); }

}  // namespace range_lowering

std::span<const torch::Lowering> range_torch() {
  using namespace range_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::linspace.*", linspace},
                                             {"aten::logspace.*", logspace}};
  return kAll;
}

}  // namespace tenon::ops
