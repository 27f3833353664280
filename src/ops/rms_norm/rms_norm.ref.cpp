#include "ops/rms_norm/rms_norm.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_rms_norm(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<RMSNormalization>();
  const Tensor &x = c.input(0), &scale = c.input(1);
  const Dims& dims = x.shape();
  const size_t axis = TRY(axis_at(c, op.axis, dims.size()));
  const auto size = static_cast<size_t>(extent(dims, axis, dims.size()));
  std::vector<double> v = elements<double>(x);
  for (size_t row = 0; size != 0 && row < v.size() / size; ++row) {
    const std::span values = std::span(v).subspan(row * size, size);
    double squares = 0;
    for (double value : values) squares += value * value / static_cast<double>(size);
    const double inverse = 1 / std::sqrt(squares + op.epsilon);
    for (double& value : values) value *= inverse;
  }
  if (TRY(broadcast_dims(c, dims, scale.shape())) != dims)
    return c.fail("the scale does not broadcast to the input");
  const auto factors = elements<double>(scale);
  for_broadcast<1>(dims, {broadcast_strides(scale.shape(), dims)},
                   [&](int64_t i, const std::array<int64_t, 1>& at) {
                     v[static_cast<size_t>(i)] *= factors[static_cast<size_t>(at[0])];
                   });
  c.outputs[0] = from_elements<double>(x.dtype(), dims, v);
  return {};
}

}  // namespace

std::span<const RefKernel> rms_norm_ref() {
  static constexpr RefKernel kernels[] = {kernel<RMSNormalization>(run_rms_norm)};
  return kernels;
}

}  // namespace tenon::ops
