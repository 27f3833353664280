#include "ops/gather/gather.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> gather_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Gather>()};
  return rows;
}

}  // namespace tenon::ops
