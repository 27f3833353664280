#include "ops/hash_tensor/hash_tensor.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> hash_tensor_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::lacking<HashTensor>("ONNX has no reduction by exclusive or")};
  return rows;
}

}  // namespace tenon::ops
