#include "ops/next_after/next_after.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> next_after_onnx() {
  static constexpr onnx::Mapping rows[] = {
      {.op = NextAfter::kName, .defaults = &onnx::with_defaults<NextAfter>, .domain = NextAfter::kDomain}};
  return rows;
}

}  // namespace tenon::ops
