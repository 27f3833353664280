// LU: the factors packed and apart, systems solved with them, determinants' signs and logarithms.
#include "ops/lu/lu.h"

#include "ops/common/lower_matrix.h"
#include "ops/det/det.h"
#include "ops/gather_elements/gather_elements.h"

namespace tenon::ops {
namespace lu_lowering {

using lower::V;
using torch::LowerContext;

V* factor(LowerContext& c, std::string_view name) {
  V* a = lower::matrices(c, name);
  if (a == nullptr) return nullptr;
  if (!c.flag("pivot"))
    return c.refuse("LU without pivoting, which PyTorch itself has on CUDA only");
  return c.give(c.b.emit_n(LU{}, {a}, 3));
}
V* lu_factor(LowerContext& c) {
  if (factor(c, "A") == nullptr) return nullptr;
  c.results.pop_back();  // info
  return c.results[0];
}
V* lu_factor_ex(LowerContext& c) { return factor(c, "A"); }
V* lu_with_info(LowerContext& c) { return factor(c, "self"); }

// Which rows of a the rows of l u are.
V* permutation(LowerContext& c, V* pivots, const ir::Dim& rows) {
  return c.b.emit(PivotsToPermutation{}, {pivots, c.b.dim(rows)});
}
// Where row r of a is row permutation[i] of l u: [.., r, i].
V* places(LowerContext& c, V* permutation, const ir::Dim& rows) {
  return c.b.emit_named("Equal",
                        {lower::as_column(c, lower::count_to(c, rows)),
                         lower::as_row(c, permutation)});
}

V* lower_factor(LowerContext& c, V* packed, const ir::Dim& k) {
  V* below = lower::triangle(c, lower::first_columns(c, packed, k), false, -1);
  V* ones = lower::identity(c, k, packed->dtype());
  const ir::Dim m = lower::rows(c, packed);
  if (m != k) {  // taller than wide: ones in the upper part only
    V* column = lower::as_column(c, lower::count_to(c, m));
    V* row = lower::as_row(c, lower::count_to(c, k));
    ones = c.b.cast(c.b.emit_named("Equal", {column, row}), packed->dtype());
  }
  return lower::add(c, below, ones);
}

// (p, l, u) of packed factors; what is not asked for is a tensor of no elements.
V* unpack(LowerContext& c, V* packed, V* pivots, bool data, bool pivoted) {
  const ir::Dim m = lower::rows(c, packed), k = min(m, lower::columns(c, packed));
  const DType type = packed->dtype();
  V *p = lower::nothing(c, type), *l = p, *u = p;
  if (pivoted) p = c.b.cast(places(c, permutation(c, pivots, m), m), type);
  if (data) {
    l = lower_factor(c, packed, k);
    u = lower::triangle(c, lower::first_rows(c, packed, k), true);
  }
  return c.give({p, l, u});
}
V* lu(LowerContext& c) {
  if (factor(c, "A") == nullptr) return nullptr;
  return unpack(c, c.results[0], c.results[1], true, true);
}
V* lu_unpack(LowerContext& c) {
  V* packed = lower::matrices(c, "LU_data");
  if (packed == nullptr) return nullptr;
  return unpack(c, packed, c.b.cast(c.tensor("LU_pivots"), DType::i32), c.flag("unpack_data"),
                c.flag("unpack_pivots"));
}

// Rows of x in the order that `order` [.., n] says.
V* ordered(LowerContext& c, V* x, V* order) {
  V* indices = lower::expand(c, lower::as_column(c, order), lower::sizes(c, x));
  return c.b.emit(GatherElements{.axis = static_cast<int64_t>(lower::rank(c, x)) - 2},
                  {x, indices});
}

// a x = b with a = p l u; of a's transpose where `transposed`.
V* solve(LowerContext& c, V* packed, V* pivots, V* b, bool transposed) {
  const ir::Dim n = lower::columns(c, packed);
  const auto common = lower::broadcast(c, {lower::batch(c, packed), lower::batch(c, b)});
  if (!common) return nullptr;
  packed = lower::expand(c, packed, lower::with(*common, {n, n}));
  b = lower::expand(c, b, lower::with(*common, {n, lower::columns(c, b)}));
  V* order = lower::expand(c, permutation(c, pivots, n), lower::with(*common, {n}));
  if (!transposed) {
    V* y = lower::solve_triangular(c, packed, ordered(c, b, order), false, true);
    return lower::solve_triangular(c, packed, y, true, false);
  }
  V* turned = lower::adjoint(c, packed);
  V* y = lower::solve_triangular(c, turned, b, false, false);
  y = lower::solve_triangular(c, turned, y, true, true);
  // Row r of a went to the place i where permutation[i] is r.
  V* back = lower::reduce_last(
      c, "ReduceSum",
      lower::where(c, places(c, order, n), lower::count_to(c, n), c.b.scalar_int(0)));
  return ordered(c, y, back);
}

V* linalg_lu_solve(LowerContext& c) {
  V *packed = lower::square_matrices(c, "LU"), *b = lower::matrices(c, "B");
  if (!packed || !b) return nullptr;
  V* pivots = c.b.cast(c.tensor("pivots"), DType::i32);
  const bool adjoint = c.flag("adjoint");
  if (c.flag("left")) return solve(c, packed, pivots, b, adjoint);
  // x a = b is the transpose of a^T x^T = b^T.
  V* x = solve(c, packed, pivots, lower::adjoint(c, b), !adjoint);
  return x ? lower::adjoint(c, x) : nullptr;
}
V* lu_solve(LowerContext& c) {
  V *packed = lower::square_matrices(c, "LU_data"), *b = lower::matrices(c, "self");
  if (!packed || !b) return nullptr;
  return solve(c, packed, c.b.cast(c.tensor("LU_pivots"), DType::i32), b, false);
}

// --- determinants

V* det(LowerContext& c) {
  V* a = lower::square_matrices(c, c.schema().name == "aten::det" ? "self" : "A");
  return a ? c.b.emit(Det{}, {a}) : nullptr;
}
V* det_with_factors(LowerContext& c) {
  V* a = lower::square_matrices(c, "A");
  if (a == nullptr) return nullptr;
  const std::vector<V*> factors = c.b.emit_n(LU{}, {a}, 3);
  return c.give({c.b.emit(Det{}, {a}), factors[0], factors[1]});
}

// Sign and logarithm of the magnitude from the diagonal of u and the number of swaps: the
// determinant itself may be out of range.
struct LogDet {
  V *sign, *log;
  std::vector<V*> factors;
};
std::optional<LogDet> log_det(LowerContext& c, std::string_view name) {
  V* a = lower::square_matrices(c, name);
  if (a == nullptr) return std::nullopt;
  std::vector<V*> factors = c.b.emit_n(LU{}, {a}, 3);
  V* d = lower::diagonal(c, factors[0]);
  V* unmoved = lower::add(c, lower::count_to(c, lower::columns(c, a)), c.b.scalar_int(1));
  V* stays = c.b.emit_named("Equal", {c.b.cast(factors[1], DType::i64), unmoved});
  V* swaps = lower::where(c, stays, lower::like(c, a, 1), lower::like(c, a, -1));
  V* signs = lower::mul(c, c.b.emit_named("Sign", {d}), swaps);
  V* logs = c.b.emit_named("Log", {c.b.emit_named("Abs", {d})});
  return LogDet{lower::reduce_last(c, "ReduceProd", signs),
                lower::reduce_last(c, "ReduceSum", logs), std::move(factors)};
}
V* slogdet(LowerContext& c) {
  const auto found = log_det(c, c.schema().name == "aten::slogdet" ? "self" : "A");
  if (!found) return nullptr;
  if (c.schema().returns.size() == 2) return c.give({found->sign, found->log});
  return c.give({found->sign, found->log, found->factors[0], found->factors[1]});
}
V* logdet(LowerContext& c) {
  const auto found = log_det(c, "self");
  if (!found) return nullptr;
  V* negative = c.b.emit_named("Less", {found->sign, lower::like(c, found->sign, 0)});
  return lower::where(c, negative,
                      lower::like(c, found->log, std::numeric_limits<double>::quiet_NaN()),
                      found->log);
}

}  // namespace lu_lowering

std::span<const torch::Lowering> lu_torch() {
  using namespace lu_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_lu_factor", lu_factor},
      {"aten::linalg_lu_factor_ex", lu_factor_ex},
      {"aten::_lu_with_info", lu_with_info},
      {"aten::linalg_lu", lu},
      {"aten::lu_unpack", lu_unpack},
      {"aten::linalg_lu_solve", linalg_lu_solve},
      {"aten::lu_solve", lu_solve},
      {"aten::linalg_det", det},
      {"aten::det", det},
      {"aten::_linalg_det", det_with_factors},
      {"aten::linalg_slogdet", slogdet},
      {"aten::slogdet", slogdet},
      {"aten::_linalg_slogdet", slogdet},
      {"aten::logdet", logdet},
  };
  return kAll;
}

}  // namespace tenon::ops
