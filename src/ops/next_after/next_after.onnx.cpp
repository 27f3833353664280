#include "ops/next_after/next_after.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> next_after_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::lacking<NextAfter>("ONNX has no operator that gives the next representable number")};
  return rows;
}

}  // namespace tenon::ops
