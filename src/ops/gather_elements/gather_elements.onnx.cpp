#include "ops/gather_elements/gather_elements.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> gather_elements_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<GatherElements>()};
  return rows;
}

}  // namespace tenon::ops
