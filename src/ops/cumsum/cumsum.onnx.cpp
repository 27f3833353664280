#include "ops/cumsum/cumsum.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> cumsum_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<CumSum>()};
  return rows;
}

}  // namespace tenon::ops
