// Functions of a matrix made of its products: powers and the exponential.
#include "ops/matrix_exp/matrix_exp.h"

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace matrix_exp_lowering {

using lower::V;
using torch::LowerContext;

V* exponential(LowerContext& c) {
  V* a = c.tensor("self");
  if (!is_floating(a->dtype())) return c.refuse("an exponential of matrices that are not floating");
  if (lower::rank(c, a) < 2) return c.refuse("the tensor has fewer than two dimensions");
  const auto rows = lower::rows(c, a).constant(), columns = lower::columns(c, a).constant();
  if (rows && columns && *rows != *columns) return c.refuse("the matrices are not square");
  // Halves are rounded once, at the end.
  V* wide = bits(a->dtype()) < 32 ? c.b.cast(a, DType::f32) : a;
  return c.b.cast(c.b.emit(MatrixExp{}, {wide}), a->dtype());
}

// Of the inverse where the exponent is negative; by squaring, so that exponents are no loops.
V* power(LowerContext& c) {
  V* a = c.tensor("self");
  int64_t n = c.constant("n");
  if (lower::rank(c, a) < 2) return c.refuse("the tensor has fewer than two dimensions");
  if (n == 0) {
    const ir::Dim size = lower::columns(c, a);
    return lower::expand(c, lower::identity(c, size, a->dtype()), lower::sizes(c, a));
  }
  if (n < 0) {
    a = lower::square_matrices(c, "self");
    if (a == nullptr) return nullptr;
    a = lower::inverse_of(c, a, true)[0];
    if (n == std::numeric_limits<int64_t>::min()) return c.refuse("the exponent is out of range");
    n = -n;
  }
  V* out = nullptr;
  for (V* square = a; n != 0; n >>= 1) {
    if (n & 1) out = out ? lower::product(c, out, square) : square;
    if (n > 1) square = lower::product(c, square, square);
  }
  return out;
}

}  // namespace matrix_exp_lowering

std::span<const torch::Lowering> matrix_exp_torch() {
  using namespace matrix_exp_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::matrix_exp", exponential},
      {"aten::linalg_matrix_exp", exponential},
      {"aten::matrix_power", power},
      {"aten::linalg_matrix_power", power},
  };
  return kAll;
}

}  // namespace tenon::ops
