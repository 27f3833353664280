#include "ops/group_norm/group_norm.h"

#include "ops/common/ref.h"
#include "ops/common/ref_norm.h"

namespace tenon::ops {
namespace {

Status run_group_norm(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<GroupNormalization>();
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  if (dims.size() < 2 || op.num_groups < 1 || dims[1] % op.num_groups != 0)
    return c.fail("the groups do not divide the channels");
  const auto scale = elements<double>(c.input(1)), bias = elements<double>(c.input(2));
  const auto channels = static_cast<size_t>(dims[1]);
  if (scale.size() != channels || bias.size() != channels)
    return c.fail("scale and bias do not hold one value for each channel");
  std::vector<double> v = elements<double>(x);
  const auto inner = static_cast<size_t>(extent(dims, 2, dims.size()));
  const size_t size = channels / static_cast<size_t>(op.num_groups) * inner;
  for (size_t first = 0; size != 0 && first < v.size(); first += size) {
    const Moments m = moments(std::span(v).subspan(first, size));
    const double inverse = 1 / std::sqrt(m.variance + op.epsilon);
    for (size_t i = first; i < first + size; ++i) {
      const size_t channel = i / inner % channels;
      v[i] = (v[i] - m.mean) * inverse * scale[channel] + bias[channel];
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, v);
  return {};
}

}  // namespace

std::span<const RefKernel> group_norm_ref() {
  static constexpr RefKernel kernels[] = {kernel<GroupNormalization>(run_group_norm)};
  return kernels;
}

}  // namespace tenon::ops
