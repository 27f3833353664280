#include "ops/expand/expand.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> expand_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Expand>()};
  return rows;
}

}  // namespace tenon::ops
