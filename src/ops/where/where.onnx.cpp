#include "ops/where/where.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> where_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Where>()};
  return rows;
}

}  // namespace tenon::ops
