#include "ops/instance_norm/instance_norm.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> instance_norm_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<InstanceNormalization>()};
  return rows;
}

}  // namespace tenon::ops
