#include "ops/einsum/einsum.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> einsum_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Einsum>()};
  return rows;
}

}  // namespace tenon::ops
