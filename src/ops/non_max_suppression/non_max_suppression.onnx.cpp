#include "ops/non_max_suppression/non_max_suppression.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> non_max_suppression_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<NonMaxSuppression>()};
  return rows;
}

}  // namespace tenon::ops
