#include "ops/constant_of_shape/constant_of_shape.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_constant_of_shape(RefContext& c) {
  const auto op = c.as<ConstantOfShape>();
  const Dims dims = TRY(integer_input(c, 0));
  const Tensor value = op.value ? op.value->reshaped({}) : Tensor::zeros(DType::f32, {});
  c.outputs[0] = TRY(strided_copy(c, value, dims, Dims(dims.size(), 0)));
  return {};
}

}  // namespace

std::span<const RefKernel> constant_of_shape_ref() {
  static constexpr RefKernel kernels[] = {kernel<ConstantOfShape>(run_constant_of_shape)};
  return kernels;
}

}  // namespace tenon::ops
