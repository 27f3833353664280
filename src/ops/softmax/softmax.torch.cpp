#include "ops/softmax/softmax.h"

#include <cmath>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace softmax_lowering {

using lower::V;
using torch::LowerContext;

template <class Op>
V* lower_as(LowerContext& c) {
  V* x = c.tensor("self");
  if (c.has("dtype"))
    x = c.b.cast(x, c.dtype("dtype").value_or(x->dtype()));
  else if (c.has("half_to_float") && c.flag("half_to_float"))
    x = c.b.cast(x, DType::f32);
  x = lower::floating(c, x);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) > 0) return c.b.emit(Op{.axis = *axis}, {x});
  return lower::squeeze(c, c.b.emit(Op{.axis = 0}, {lower::unsqueeze(c, x, {0})}), {0});
}

// A softmax that gives 0, not NaN, where every element is -infinity.
V* safe_softmax(LowerContext& c) {
  V* weights = lower_as<Softmax>(c);
  if (weights == nullptr || c.refused()) return weights;
  V* x = c.b.cast(c.tensor("self"), weights->dtype());
  const auto axis = lower::axis(c, "dim", x);
  if (!axis || lower::rank(c, x) == 0) return c.refuse("the tensor has no dimensions");
  V* most = lower::reduce(c, "ReduceMax", x, {*axis}, true);
  V* none = c.b.emit_named("Equal", {most, lower::like(c, most, -HUGE_VAL)});
  return lower::where(c, none, lower::like(c, weights, 0), weights);
}

// The gradient of softmax, y * (g - sum(g * y)), and of its logarithm, g - exp(y) * sum(g), from
// the results y.
template <bool logarithm>
V* backward(LowerContext& c) {
  V *gradient = c.tensor("grad_output"), *y = c.tensor("output");
  const DType given = y->dtype();
  // Half types are computed in f32.
  const DType type = given == DType::f64 ? DType::f64 : DType::f32;
  gradient = c.b.cast(gradient, type);
  y = c.b.cast(y, type);
  const auto axis = lower::axis(c, "dim", y);
  if (!axis) return nullptr;
  std::vector<int64_t> axes;
  if (lower::rank(c, y) > 0) axes.push_back(*axis);
  auto sum = [&](V* x) { return lower::reduce(c, "ReduceSum", x, axes, true); };
  V* out = logarithm
               ? lower::sub(c, gradient, lower::mul(c, c.b.emit_named("Exp", {y}), sum(gradient)))
               : lower::mul(c, y, lower::sub(c, gradient, sum(lower::mul(c, gradient, y))));
  return c.b.cast(out, c.dtype("input_dtype").value_or(given));
}

}  // namespace softmax_lowering

std::span<const torch::Lowering> softmax_torch() {
  using namespace softmax_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::softmax.int", lower_as<Softmax>},
      {"aten::_softmax", lower_as<Softmax>},
      {"aten::special_softmax", lower_as<Softmax>},
      {"aten::_safe_softmax", safe_softmax},
      {"aten::log_softmax.int", lower_as<LogSoftmax>},
      {"aten::_log_softmax", lower_as<LogSoftmax>},
      {"aten::special_log_softmax", lower_as<LogSoftmax>},
      {"aten::_softmax_backward_data", backward<false>},
      {"aten::_log_softmax_backward_data", backward<true>},
  };
  return kAll;
}

}  // namespace tenon::ops
