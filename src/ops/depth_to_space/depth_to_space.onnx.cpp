#include "ops/depth_to_space/depth_to_space.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> depth_to_space_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<DepthToSpace>(),
      onnx::plain<SpaceToDepth>(),
  };
  return rows;
}

}  // namespace tenon::ops
