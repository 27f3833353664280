#include "ops/det/det.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> det_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Det>()};
  return rows;
}

}  // namespace tenon::ops
