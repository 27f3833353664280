#include "ops/size/size.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> size_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Size>()};
  return rows;
}

}  // namespace tenon::ops
