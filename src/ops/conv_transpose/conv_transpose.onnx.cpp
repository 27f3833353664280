#include "ops/conv_transpose/conv_transpose.h"

#include "onnx/mapping.h"
#include "ops/common/onnx_window.h"

namespace tenon::ops {

std::span<const onnx::Mapping> conv_transpose_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<ConvTranspose>({.read = onnx_window::read_conv<ConvTranspose>})};
  return rows;
}

}  // namespace tenon::ops
