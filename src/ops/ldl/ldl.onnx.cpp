#include "ops/ldl/ldl.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> ldl_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::lacking<LDL>("ONNX has no factorisation of symmetric indefinite matrices"),
      onnx::lacking<LDLSolve>("ONNX has no solver for factors of symmetric indefinite matrices")};
  return rows;
}

}  // namespace tenon::ops
