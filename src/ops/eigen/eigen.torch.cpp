#include "ops/eigen/eigen.h"

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace eigen_lowering {

using lower::V;
using torch::LowerContext;

// Values and vectors of symmetric matrices, of which one triangle is read.
std::vector<V*> symmetric(LowerContext& c, std::string_view name) {
  V* a = lower::square_matrices(c, name);
  if (a == nullptr) return {};
  const std::string triangle = c.text("UPLO");
  const bool upper = triangle == "U" || triangle == "u";
  return c.b.emit_n(Eigh{}, {upper ? lower::adjoint(c, a) : a}, 2);
}
V* eigh(LowerContext& c) {
  auto out = symmetric(c, c.schema().name == "aten::_linalg_eigh" ? "A" : "self");
  if (out.empty()) return nullptr;
  if (c.schema().name == "aten::_linalg_eigh" && !c.flag("compute_v"))
    out[1] = lower::nothing(c, out[0]->dtype());
  return c.give(out);
}
V* eigvalsh(LowerContext& c) {
  const auto out = symmetric(c, "self");
  return out.empty() ? nullptr : out[0];
}

// The root of a symmetric matrix. Eigenvalues below zero are taken as zero, as PyTorch does.
V* root(LowerContext& c) {
  V* a = lower::square_matrices(c, "self");
  if (a == nullptr) return nullptr;
  const auto all = c.b.emit_n(Eigh{}, {a}, 2);
  V* roots = c.b.emit_named("Sqrt", {c.b.emit_named("Max", {all[0], lower::like(c, a, 0)})});
  return lower::matmul(c, lower::mul(c, all[1], lower::as_row(c, roots)),
                       lower::adjoint(c, all[1]));
}

V* eig(LowerContext& c) {
  return c.refuse("the eigenvalues of a matrix are complex numbers, which ONNX does not have",
                  "use torch.linalg.eigh where the matrix is symmetric");
}

}  // namespace eigen_lowering

std::span<const torch::Lowering> eigen_torch() {
  using namespace eigen_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_eigh", eigh},          {"aten::_linalg_eigh", eigh},
      {"aten::linalg_eigvalsh", eigvalsh},  {"aten::linalg_matrix_sqrth", root},
      {"aten::linalg_eig", eig},            {"aten::linalg_eigvals", eig},
      {"aten::_linalg_eigvals", eig},
  };
  return kAll;
}

}  // namespace tenon::ops
