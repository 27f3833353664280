#include "ops/activation/activation.h"

#include <cmath>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace activation_lowering {

using lower::V;
using torch::LowerContext;

V* gelu(LowerContext& c) {
  return c.b.emit(Gelu{.approximate = c.text("approximate")}, {c.tensor("self")});
}
V* silu(LowerContext& c) { return c.b.emit(Swish{}, {c.tensor("self")}); }
V* hardsigmoid(LowerContext& c) {
  return c.b.emit(HardSigmoid{.alpha = 1.0f / 6.0f, .beta = 0.5f}, {c.tensor("self")});
}
V* selu(LowerContext& c) { return c.b.emit(Selu{}, {c.tensor("self")}); }
V* celu(LowerContext& c) {
  return c.b.emit(Celu{.alpha = static_cast<float>(c.number("alpha"))}, {c.tensor("self")});
}
V* leaky(LowerContext& c, double slope) {
  return c.b.emit(LeakyRelu{.alpha = static_cast<float>(slope)}, {c.tensor("self")});
}
V* leaky_relu(LowerContext& c) { return leaky(c, c.number("negative_slope")); }
// Its slope is drawn at random in training only.
V* rrelu(LowerContext& c) {
  if (c.flag("training")) {
    c.machine().notices.push_back(
        {"a leaky activation was saved with a random slope, in training mode; it is converted as "
         "in "
         "evaluation, with the mean slope",
         ir::where(c.b.origin())});
  }
  return leaky(c, (c.number("lower") + c.number("upper")) / 2);
}

// The noise, which only training writes, is no result here.
V* rrelu_with_noise(LowerContext& c) {
  V* y = rrelu(c);
  return c.schema().returns.size() > 1 ? c.give({y, nullptr}) : y;
}

V* greater(LowerContext& c, V* x, double than) {
  return c.b.emit_named("Greater", {x, lower::like(c, x, than)});
}
V* less(LowerContext& c, V* x, double than) {
  return c.b.emit_named("Less", {x, lower::like(c, x, than)});
}

// scale * (x > 0 ? x : alpha * (exp(x * input_scale) - 1))
V* elu(LowerContext& c) {
  V* x = c.tensor("self");
  const double alpha = c.number("alpha"), scale = c.number("scale"),
               input_scale = c.number("input_scale");
  if (input_scale == 1 && scale == 1) return c.b.emit(Elu{.alpha = static_cast<float>(alpha)}, {x});
  V* inner = input_scale == 1 ? x : lower::mul(c, x, lower::like(c, x, input_scale));
  V* below = lower::mul(c, c.b.emit(Elu{}, {inner}), lower::like(c, x, alpha * scale));
  return lower::where(c, greater(c, x, 0), lower::mul(c, x, lower::like(c, x, scale)), below);
}

// The weight has one element, or one for each channel of dimension 1.
V* prelu(LowerContext& c) {
  V *x = c.tensor("self"), *weight = c.tensor("weight");
  const size_t rank = lower::rank(c, x);
  if (lower::rank(c, weight) == 1 && rank > 2) {
    std::vector<int64_t> spread;
    for (size_t i = 1; i + 1 < rank; ++i) spread.push_back(static_cast<int64_t>(i));
    weight = lower::unsqueeze(c, weight, spread);
  } else if (lower::rank(c, weight) == 1 && rank == 0) {
    weight = lower::squeeze(c, weight, {0});
  }
  return c.b.emit(PRelu{}, {x, weight});
}
V* prelu_kernel(LowerContext& c) {
  return c.b.emit(PRelu{}, {c.tensor("self"), c.tensor("weight")});
}

// Above the threshold PyTorch takes the input itself, which differs by log1p(exp(-threshold)) at
// most.
V* softplus(LowerContext& c) {
  V* x = c.tensor("self");
  const double beta = c.number("beta"), threshold = c.number("threshold");
  if (beta == 0) return c.refuse("softplus with beta=0 divides by zero");
  V* scaled = beta == 1 ? x : lower::mul(c, x, lower::like(c, x, beta));
  V* y = c.b.emit_named("Softplus", {scaled});
  if (beta != 1) y = lower::div(c, y, lower::like(c, x, beta));
  return threshold >= 20 ? y : lower::where(c, greater(c, scaled, threshold), x, y);
}

// log_sigmoid_forward also gives exp(-|x|), which its gradient reads.
V* log_sigmoid(LowerContext& c) {
  V* x = c.tensor("self");
  V* y = c.b.emit_named("Neg", {c.b.emit_named("Softplus", {c.b.emit_named("Neg", {x})})});
  if (c.schema().returns.size() == 1) return y;
  V* buffer = c.b.emit_named("Exp", {c.b.emit_named("Neg", {c.b.emit_named("Abs", {x})})});
  return c.give({y, buffer});
}

V* hardshrink(LowerContext& c) {
  V* x = c.tensor("self");
  const double bound = c.number("lambd");
  V* inside = c.b.emit_named("LessOrEqual", {c.b.emit_named("Abs", {x}), lower::like(c, x, bound)});
  return lower::where(c, inside, lower::like(c, x, 0), x);
}

V* softshrink(LowerContext& c) {
  V* x = c.tensor("self");
  const double bound = c.number("lambd");
  V* zero = lower::mul(c, x, lower::like(c, x, 0));  // not a number stays what it is
  V* low = lower::where(c, less(c, x, -bound), lower::add(c, x, lower::like(c, x, bound)), zero);
  return lower::where(c, greater(c, x, bound), lower::sub(c, x, lower::like(c, x, bound)), low);
}

V* threshold(LowerContext& c) {
  V* x = c.tensor("self");
  const double bound = c.number("threshold"), value = c.number("value");
  V* below = c.b.emit_named("LessOrEqual", {x, lower::like(c, x, bound)});
  return lower::where(c, below, lower::like(c, x, value), x);
}

V* glu(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  const Sizes sizes = lower::sizes(c, x);
  if (!axis || static_cast<size_t>(*axis) >= sizes.size())
    return c.refuse("the input has no such dimension to halve");
  const ir::Dim& whole = sizes[static_cast<size_t>(*axis)];
  const ir::Dim half = floordiv(whole, 2);
  V* gate = c.b.emit_named("Sigmoid", {lower::slice(c, x, *axis, half, whole)});
  return lower::mul(c, lower::slice(c, x, *axis, 0, half), gate);
}

}  // namespace activation_lowering

std::span<const torch::Lowering> activation_torch() {
  using namespace activation_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::gelu", gelu},
      {"aten::silu", silu},
      {"aten::hardsigmoid", hardsigmoid},
      {"aten::selu", selu},
      {"aten::celu", celu},
      {"aten::elu", elu},
      {"aten::leaky_relu", leaky_relu},
      {"aten::rrelu", rrelu},
      {"aten::rrelu_with_noise", rrelu_with_noise},
      {"aten::rrelu_with_noise_functional", rrelu_with_noise},
      {"aten::prelu", prelu},
      {"aten::_prelu_kernel", prelu_kernel},
      {"aten::softplus", softplus},
      {"aten::log_sigmoid", log_sigmoid},
      {"aten::log_sigmoid_forward", log_sigmoid},
      {"aten::hardshrink", hardshrink},
      {"aten::softshrink", softshrink},
      {"aten::threshold", threshold},
      {"aten::glu", glu},
  };
  return kAll;
}

}  // namespace tenon::ops
