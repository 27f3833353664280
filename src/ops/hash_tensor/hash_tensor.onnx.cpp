#include "ops/hash_tensor/hash_tensor.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> hash_tensor_onnx() {
  static constexpr onnx::Mapping rows[] = {
      {.op = HashTensor::kName, .defaults = &onnx::with_defaults<HashTensor>, .domain = HashTensor::kDomain}};
  return rows;
}

}  // namespace tenon::ops
