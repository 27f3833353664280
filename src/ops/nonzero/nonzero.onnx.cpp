#include "ops/nonzero/nonzero.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> nonzero_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<NonZero>()};
  return rows;
}

}  // namespace tenon::ops
