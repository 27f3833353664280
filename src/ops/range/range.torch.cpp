#include "ops/range/range.h"

#include <cmath>

#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace range_lowering {

using lower::V;
using torch::LowerContext;

// PyTorch counts from both ends, in the type's own precision.
template <class T>
std::vector<double> even_steps(double start, double end, int64_t steps) {
  const auto first = static_cast<T>(start), last = static_cast<T>(end);
  const T step = steps > 1 ? (last - first) / static_cast<T>(steps - 1) : T(0);
  std::vector<double> out;
  for (int64_t i = 0; i < steps; ++i) {
    out.push_back(static_cast<double>(i < steps / 2 ? first + step * static_cast<T>(i)
                                                    : last - step * static_cast<T>(steps - i - 1)));
  }
  if (steps == 1) out[0] = static_cast<double>(first);
  return out;
}

// The same, where the ends are computed. They are tensors without dimensions.
V* evenly_between(LowerContext& c, int64_t steps, DType type, bool powers) {
  using lower::Expr;
  const DType compute = type == DType::f64 ? DType::f64 : DType::f32;
  const Expr start(c, c.operand("start", compute)), end(c, c.operand("end", compute));
  std::vector<double> up, down, is_lower;
  for (int64_t i = 0; i < steps; ++i) {
    up.push_back(static_cast<double>(i));
    down.push_back(static_cast<double>(steps - 1 - i));
    is_lower.push_back(i < std::max<int64_t>(steps / 2, 1) ? 1 : 0);
  }
  auto table = [&](const std::vector<double>& values, DType of) {
    return Expr(c, lower::float_table(c, values, {steps}, of));
  };
  const Expr step = (end - start) / static_cast<double>(std::max<int64_t>(steps - 1, 1));
  Expr out = table(is_lower, DType::boolean)
                 .where(start + step * table(up, compute), end - step * table(down, compute));
  if (!is_floating(type)) out = out.call("trunc");
  if (powers) out = Expr(c, c.b.scalar(c.number("base"), compute)).call("pow", {out});
  return c.b.cast(out.result(), type);
}

// The same, where the sizes decide how many steps there are.
V* as_many_as(LowerContext& c, const ir::Dim& steps, DType type, bool powers) {
  using lower::Expr;
  const DType compute = type == DType::f64 ? DType::f64 : DType::f32;
  const Expr start(c, c.operand("start", compute)), end(c, c.operand("end", compute));
  const Expr count(c, torch::Value(steps));
  const Expr up = count.call("arange");
  const Expr down = (count - 1) - up;
  const Expr step = (end - start) / Expr(c, torch::Value(max(steps - 1, ir::Dim(1))));
  const Expr lower_half = up < Expr(c, torch::Value(max(floordiv(steps, 2), ir::Dim(1))));
  Expr out = lower_half.where(start + step * up.to(compute), end - step * down.to(compute));
  if (!is_floating(type)) out = out.call("trunc");
  if (powers) out = Expr(c, c.b.scalar(c.number("base"), compute)).call("pow", {out});
  return c.b.cast(out.result(), type);
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
  const double start = c.number("start"), end = c.number("end");
  std::vector<double> values;
  if (type == DType::f64)
    values = even_steps<double>(start, end, steps);
  else if (is_floating(type))
    values = even_steps<float>(start, end, steps);
  else {
    // Integers: the step is a float, each value is truncated.
    const float step =
        steps > 1 ? static_cast<float>(end - start) / static_cast<float>(steps - 1) : 0;
    for (int64_t i = 0; i < steps; ++i) {
      const double at = i < steps / 2
                            ? start + static_cast<double>(step * static_cast<float>(i))
                            : end - static_cast<double>(step * static_cast<float>(steps - i - 1));
      values.push_back(std::trunc(at));
    }
  }
  if (powers) {
    const double base = c.number("base");
    for (double& v : values) v = std::pow(base, v);
  }
  const auto n = static_cast<int64_t>(values.size());
  if (is_floating(type)) return lower::float_table(c, values, {n}, type);
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
