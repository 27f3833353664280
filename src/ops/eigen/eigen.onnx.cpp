#include "ops/eigen/eigen.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> eigen_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::lacking<Eigh>("ONNX has no eigenvalues of symmetric matrices"),
      onnx::lacking<Eig>("ONNX has no eigenvalues, and no complex numbers to give them in")};
  return rows;
}

}  // namespace tenon::ops
