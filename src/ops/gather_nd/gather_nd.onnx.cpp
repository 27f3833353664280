#include "ops/gather_nd/gather_nd.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> gather_nd_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<GatherND>()};
  return rows;
}

}  // namespace tenon::ops
