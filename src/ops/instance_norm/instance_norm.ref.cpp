#include "ops/instance_norm/instance_norm.h"

#include "ops/common/ref.h"
#include "ops/common/ref_norm.h"

namespace tenon::ops {
namespace {

Status run_instance_norm(RefContext& c) {
  TRY(need_computable(c));
  const double epsilon = c.as<InstanceNormalization>().epsilon;
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  if (dims.size() < 2) return c.fail("the input has fewer than two dimensions");
  const auto scale = elements<double>(c.input(1)), bias = elements<double>(c.input(2));
  const auto channels = static_cast<size_t>(dims[1]);
  if (scale.size() != channels || bias.size() != channels)
    return c.fail("scale and bias do not hold one value for each channel");
  std::vector<double> v = elements<double>(x);
  const auto inner = static_cast<size_t>(extent(dims, 2, dims.size()));
  for (size_t plane = 0; inner != 0 && plane < v.size() / inner; ++plane) {
    const std::span values = std::span(v).subspan(plane * inner, inner);
    const Moments m = moments(values);
    const double factor = scale[plane % channels] / std::sqrt(m.variance + epsilon);
    for (double& value : values) value = (value - m.mean) * factor + bias[plane % channels];
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, v);
  return {};
}

}  // namespace

std::span<const RefKernel> instance_norm_ref() {
  static constexpr RefKernel kernels[] = {kernel<InstanceNormalization>(run_instance_norm)};
  return kernels;
}

}  // namespace tenon::ops
