#include "ops/range/range.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> range_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Range>()};
  return rows;
}

}  // namespace tenon::ops
