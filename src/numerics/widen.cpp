#include "numerics/widen.h"

#include "base/elements.h"

namespace tenon::numerics {

Tensor widened(const Tensor& tensor) {
  if (tensor.dtype() != DType::f16 && tensor.dtype() != DType::bf16) return tensor;
  Tensor out = Tensor::zeros(DType::f32, tensor.shape());
  const auto from = tensor.values<uint16_t>();
  const auto to = out.mutable_values<float>();
  const auto value = tensor.dtype() == DType::f16 ? f16_to_float : bf16_to_float;
  for (size_t i = 0; i < from.size(); ++i) to[i] = value(from[i]);
  return out;
}

}  // namespace tenon::numerics
