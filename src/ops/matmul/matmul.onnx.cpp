#include "ops/matmul/matmul.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> matmul_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<MatMul>()};
  return rows;
}

}  // namespace tenon::ops
