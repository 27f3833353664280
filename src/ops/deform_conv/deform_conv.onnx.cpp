#include "ops/deform_conv/deform_conv.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> deform_conv_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<DeformConv>()};
  return rows;
}

}  // namespace tenon::ops
