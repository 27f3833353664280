#include "ops/conv/conv.h"

#include "onnx/mapping.h"
#include "ops/common/onnx_window.h"

namespace tenon::ops {

std::span<const onnx::Mapping> conv_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Conv>({.read = onnx_window::read_conv<Conv>})};
  return rows;
}

}  // namespace tenon::ops
