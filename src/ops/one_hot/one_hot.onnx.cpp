#include "ops/one_hot/one_hot.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> one_hot_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<OneHot>()};
  return rows;
}

}  // namespace tenon::ops
