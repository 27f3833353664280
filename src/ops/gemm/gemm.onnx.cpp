#include "ops/gemm/gemm.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> gemm_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Gemm>()};
  return rows;
}

}  // namespace tenon::ops
