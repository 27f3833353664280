#include "ops/lrn/lrn.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> lrn_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<LRN>()};
  return rows;
}

}  // namespace tenon::ops
