#include "ops/layer_norm/layer_norm.h"

#include "ops/common/ref.h"
#include "ops/common/ref_norm.h"

namespace tenon::ops {
namespace {

Status run_layer_norm(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<LayerNormalization>();
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  const size_t axis = TRY(axis_at(c, op.axis, dims.size()));
  const auto size = static_cast<size_t>(extent(dims, axis, dims.size()));
  std::vector<double> v = elements<double>(x), means, inverses;
  for (size_t row = 0; size != 0 && row < v.size() / size; ++row) {
    const std::span values = std::span(v).subspan(row * size, size);
    const Moments m = moments(values);
    const double inverse = 1 / std::sqrt(m.variance + op.epsilon);
    for (double& value : values) value = (value - m.mean) * inverse;
    means.push_back(m.mean);
    inverses.push_back(inverse);
  }
  auto apply = [&](size_t input, auto f) -> Status {
    const Tensor& parameter = c.input(input);
    if (TRY(broadcast_dims(c, dims, parameter.shape())) != dims)
      return c.fail("scale or bias does not broadcast to the input");
    const auto values = elements<double>(parameter);
    for_broadcast<1>(dims, {broadcast_strides(parameter.shape(), dims)},
                     [&](int64_t i, const std::array<int64_t, 1>& at) {
                       f(v[static_cast<size_t>(i)], values[static_cast<size_t>(at[0])]);
                     });
    return {};
  };
  TRY(apply(1, [](double& a, double b) { a *= b; }));
  if (c.has(2)) TRY(apply(2, [](double& a, double b) { a += b; }));
  c.outputs[0] = from_elements<double>(x.dtype(), dims, v);
  Dims kept = dims;
  std::fill(kept.begin() + static_cast<ptrdiff_t>(axis), kept.end(), 1);
  const DType stash = op.stash_type == 1 ? DType::f32 : static_cast<DType>(op.stash_type);
  if (c.outputs.size() > 1) c.outputs[1] = from_elements<double>(stash, kept, means);
  if (c.outputs.size() > 2) c.outputs[2] = from_elements<double>(stash, kept, inverses);
  return {};
}

}  // namespace

std::span<const RefKernel> layer_norm_ref() {
  static constexpr RefKernel kernels[] = {kernel<LayerNormalization>(run_layer_norm)};
  return kernels;
}

}  // namespace tenon::ops
