#include "ops/orthogonal_polynomial/orthogonal_polynomial.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> orthogonal_polynomial_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::lacking<OrthogonalPolynomial>(
      "ONNX has no polynomials of a degree that the model computes")};
  return rows;
}

}  // namespace tenon::ops
