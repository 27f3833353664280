#include "ops/concat/concat.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> concat_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Concat>()};
  return rows;
}

}  // namespace tenon::ops
