#include "ops/transpose/transpose.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> transpose_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Transpose>()};
  return rows;
}

}  // namespace tenon::ops
