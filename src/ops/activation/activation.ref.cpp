#include "ops/activation/activation.h"

#include <numbers>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_elu(RefContext& c) {
  const double alpha = c.as<Elu>().alpha;
  return map_elements<double>(c, [=](double v) { return v < 0 ? alpha * std::expm1(v) : v; });
}
Status run_selu(RefContext& c) {
  const auto op = c.as<Selu>();
  const double alpha = op.alpha, gamma = op.gamma;
  return map_elements<double>(
      c, [=](double v) { return gamma * (v > 0 ? v : alpha * std::expm1(v)); });
}
Status run_celu(RefContext& c) {
  const double alpha = c.as<Celu>().alpha;
  return map_elements<double>(
      c, [=](double v) { return std::max(0.0, v) + std::min(0.0, alpha * std::expm1(v / alpha)); });
}
Status run_leaky_relu(RefContext& c) {
  const double alpha = c.as<LeakyRelu>().alpha;
  return map_elements<double>(c, [=](double v) { return v < 0 ? alpha * v : v; });
}
Status run_hard_sigmoid(RefContext& c) {
  const auto op = c.as<HardSigmoid>();
  const double alpha = op.alpha, beta = op.beta;
  return map_elements<double>(
      c, [=](double v) { return std::max(0.0, std::min(1.0, alpha * v + beta)); });
}
Status run_thresholded_relu(RefContext& c) {
  const double alpha = c.as<ThresholdedRelu>().alpha;
  return map_elements<double>(c, [=](double v) { return v > alpha ? v : 0; });
}
Status run_swish(RefContext& c) {
  const double alpha = c.as<Swish>().alpha;
  return map_elements<double>(c, [=](double v) { return v / (1 + std::exp(-alpha * v)); });
}
Status run_gelu(RefContext& c) {
  if (c.as<Gelu>().approximate == "tanh") {
    const double scale = std::sqrt(2 / std::numbers::pi);
    return map_elements<double>(
        c, [=](double v) { return 0.5 * v * (1 + std::tanh(scale * (v + 0.044715 * v * v * v))); });
  }
  return map_elements<double>(
      c, [](double v) { return 0.5 * v * (1 + std::erf(v / std::numbers::sqrt2)); });
}
Status run_prelu(RefContext& c) {
  const DType dtype = c.input(0).dtype();
  auto f = [](auto v, auto slope) { return v < 0 ? v * slope : v; };
  if (is_integral(dtype)) return map_broadcast<int64_t>(c, dtype, f);
  return map_broadcast<double>(c, dtype, f);
}

}  // namespace

std::span<const RefKernel> activation_ref() {
  static constexpr RefKernel kernels[] = {
      kernel<Elu>(run_elu),
      kernel<Selu>(run_selu),
      kernel<Celu>(run_celu),
      kernel<LeakyRelu>(run_leaky_relu),
      kernel<HardSigmoid>(run_hard_sigmoid),
      kernel<ThresholdedRelu>(run_thresholded_relu),
      kernel<Swish>(run_swish),
      kernel<Gelu>(run_gelu),
      kernel<PRelu>(run_prelu),
  };
  return kernels;
}

}  // namespace tenon::ops
