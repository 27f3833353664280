#include "ops/cholesky/cholesky.h"

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace cholesky_lowering {

using lower::V;
using torch::LowerContext;

// The factor and info. An upper one is the transpose of what the transposed matrix has, whose lower
// triangle is then the one that is read.
V* factor(LowerContext& c, bool check) {
  V* a = lower::square_matrices(c, "self");
  if (a == nullptr) return nullptr;
  const bool upper = c.flag("upper");
  std::vector<V*> out =
      c.b.emit_n(Cholesky{.check = check}, {upper ? lower::adjoint(c, a) : a}, 2);
  if (upper) out[0] = lower::adjoint(c, out[0]);
  return c.give(out);
}
V* cholesky(LowerContext& c) {
  if (factor(c, true) == nullptr) return nullptr;
  c.results.pop_back();
  return c.results[0];
}
V* cholesky_ex(LowerContext& c) { return factor(c, c.flag("check_errors")); }

// l l^T x = b, or u^T u x = b.
V* solved(LowerContext& c, V* factor, V* b, bool upper) {
  V* turned = lower::adjoint(c, factor);
  V* y = lower::solve_triangular(c, upper ? turned : factor, b, false, false);
  return y ? lower::solve_triangular(c, upper ? factor : turned, y, true, false) : nullptr;
}
V* cholesky_solve(LowerContext& c) {
  V *b = lower::matrices(c, "self"), *l = lower::square_matrices(c, "input2");
  return b && l ? solved(c, l, b, c.flag("upper")) : nullptr;
}
V* cholesky_inverse(LowerContext& c) {
  V* l = lower::square_matrices(c, "self");
  if (l == nullptr) return nullptr;
  return solved(c, l, lower::identity(c, lower::columns(c, l), l->dtype()), c.flag("upper"));
}

}  // namespace cholesky_lowering

std::span<const torch::Lowering> cholesky_torch() {
  using namespace cholesky_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_cholesky", cholesky},
      {"aten::linalg_cholesky_ex", cholesky_ex},
      {"aten::cholesky_solve", cholesky_solve},
      {"aten::cholesky_inverse", cholesky_inverse},
  };
  return kAll;
}

}  // namespace tenon::ops
