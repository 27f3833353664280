#include "ops/flatten/flatten.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> flatten_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Flatten>()};
  return rows;
}

}  // namespace tenon::ops
