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

// The derivatives are computed in f32 where the tensors are halves, as PyTorch does.
template <bool logarithm>
V* backward(LowerContext& c) {
  V *output = c.tensor("output"), *gradient = c.tensor("grad_output");
  const auto axis = lower::axis(c, "dim", output);
  if (!axis) return nullptr;
  const DType type = c.dtype("input_dtype").value_or(output->dtype());
  const DType wide = output->dtype() == DType::f64 ? DType::f64 : DType::f32;
  output = c.b.cast(output, wide);
  gradient = c.b.cast(gradient, wide);
  // Of softmax: (grad - sum(grad * output)) * output; of its logarithm: grad - exp(output) *
  // sum(grad).
  V* part = logarithm ? gradient : lower::mul(c, gradient, output);
  V* sum = lower::rank(c, output) == 0 ? part : lower::reduce(c, "ReduceSum", part, {*axis}, true);
  V* weights = logarithm ? c.b.emit_named("Exp", {output}) : output;
  return c.b.cast(lower::sub(c, part, lower::mul(c, weights, sum)), type);
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
