#include "ops/ldl/ldl.h"

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace ldl_lowering {

using lower::V;
using torch::LowerContext;

// `hermitian` makes no difference to real matrices.
V* factor_ex(LowerContext& c) {
  V* a = lower::square_matrices(c, "self");
  return a ? c.give(c.b.emit_n(LDL{}, {a}, 3)) : nullptr;
}
V* factor(LowerContext& c) {
  if (factor_ex(c) == nullptr) return nullptr;
  c.results.pop_back();
  return c.results[0];
}

V* solve(LowerContext& c) {
  V *ld = lower::square_matrices(c, "LD"), *b = lower::matrices(c, "B");
  if (!ld || !b) return nullptr;
  std::tie(ld, b) = lower::same_batch(c, ld, b);
  if (ld == nullptr) return nullptr;
  V* pivots = c.b.cast(c.tensor("pivots"), DType::i32);
  pivots = lower::expand(c, pivots, lower::with(lower::batch(c, ld), {lower::columns(c, ld)}));
  return c.b.emit(LDLSolve{}, {ld, pivots, b});
}

}  // namespace ldl_lowering

std::span<const torch::Lowering> ldl_torch() {
  using namespace ldl_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_ldl_factor", factor},
      {"aten::linalg_ldl_factor_ex", factor_ex},
      {"aten::linalg_ldl_solve", solve},
  };
  return kAll;
}

}  // namespace tenon::ops
