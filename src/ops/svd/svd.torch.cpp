// Singular values, and what is made of them: pseudo-inverses, ranks, the polar decomposition.
#include "ops/svd/svd.h"

#include <limits>

#include "ops/common/lower_matrix.h"
#include "ops/eigen/eigen.h"

namespace tenon::ops {
namespace svd_lowering {

using lower::V;
using torch::LowerContext;

V* linalg_svd(LowerContext& c) {
  V* a = lower::matrices(c, "A");
  if (a == nullptr) return nullptr;
  auto out = c.b.emit_n(SVD{.full = c.flag("full_matrices")}, {a}, 3);
  const bool vectors = c.schema().name != "aten::_linalg_svd" || c.flag("compute_uv");
  if (!vectors) out[0] = out[2] = lower::nothing(c, a->dtype());
  return c.give(out);
}
V* values(LowerContext& c) {
  V* a = lower::matrices(c, "A");
  return a ? lower::singular_values(c, a) : nullptr;
}

// The older form gives v itself, and square zeros for the vectors that are not asked for.
V* svd(LowerContext& c) {
  V* a = lower::matrices(c, "self");
  if (a == nullptr) return nullptr;
  const bool vectors = c.flag("compute_uv");
  auto out = c.b.emit_n(SVD{.full = vectors && !c.flag("some")}, {a}, 3);
  out[2] = lower::adjoint(c, out[2]);
  if (!vectors) {
    const Sizes batch = lower::batch(c, a);
    const ir::Dim m = lower::rows(c, a), n = lower::columns(c, a);
    out[0] = lower::filled(c, lower::with(batch, {m, m}), 0, a->dtype());
    out[2] = lower::filled(c, lower::with(batch, {n, n}), 0, a->dtype());
  }
  return c.give(out);
}

// a = u h: from a = w s v^T, u = w v^T and h = v s v^T.
V* polar(LowerContext& c) {
  V* a = lower::matrices(c, "A");
  if (a == nullptr) return nullptr;
  const auto m = lower::rows(c, a).constant(), n = lower::columns(c, a).constant();
  if (m && n && *m < *n) return c.refuse("the matrices have fewer rows than columns");
  const auto [u, s, vh] = [&] {
    const auto all = c.b.emit_n(SVD{}, {a}, 3);
    return std::array{all[0], all[1], all[2]};
  }();
  V* h = lower::matmul(c, lower::mul(c, lower::adjoint(c, vh), lower::as_row(c, s)), vh);
  return c.give({lower::matmul(c, u, vh), h});
}

// --- what counts as zero

// The bounds below which a singular value is taken as zero, absolute and relative to the largest, in
// f64 as PyTorch computes them.
struct Bounds {
  V *absolute, *relative;
};

V* bound(LowerContext& c, std::string_view name) {
  return c.is_number(name) ? c.b.scalar(c.number(name), DType::f64)
                           : c.b.cast(c.tensor(name), DType::f64);
}

// Without bounds, the relative one is an epsilon for each row or column; it does not apply beside an
// absolute one above zero.
std::optional<Bounds> bounds(LowerContext& c, V* a) {
  V* zero = c.b.scalar(0, DType::f64);
  if (c.has("rcond")) return Bounds{zero, bound(c, "rcond")};
  if (c.has("tol")) return Bounds{bound(c, "tol"), zero};
  V* absolute = c.has("atol") ? bound(c, "atol") : zero;
  if (c.has("rtol")) return Bounds{absolute, bound(c, "rtol")};
  const double epsilon = a->dtype() == DType::f64 ? std::numeric_limits<double>::epsilon()
                                                  : std::numeric_limits<float>::epsilon();
  V* size = c.b.cast(c.b.dim(max(lower::rows(c, a), lower::columns(c, a))), DType::f64);
  V* relative = lower::mul(c, size, c.b.scalar(epsilon, DType::f64));
  if (c.has("atol"))
    relative = lower::where(c, c.b.emit_named("Greater", {absolute, zero}), zero, relative);
  return Bounds{absolute, relative};
}

// Which of the magnitudes [.., k] count.
V* counting(LowerContext& c, const Bounds& bounds, V* magnitudes) {
  V* wide = c.b.cast(magnitudes, DType::f64);
  V* largest = lower::reduce_last(c, "ReduceMax", wide, true);
  auto column = [&](V* x) { return lower::rank(c, x) == 0 ? x : lower::as_column(c, x); };
  V* least = c.b.emit_named(
      "Max", {column(bounds.absolute), lower::mul(c, column(bounds.relative), largest)});
  return c.b.emit_named("Greater", {wide, least});
}

bool is_empty(LowerContext& c, V* a) {
  for (const ir::Dim& size : lower::sizes(c, a)) {
    if (size.is(0)) return true;
  }
  return false;
}

// v s^-1 u^T over the singular values that count, or over the eigenvalues of a symmetric matrix.
V* pseudo_inverse(LowerContext& c) {
  V* a = lower::matrices(c, "self");
  if (a == nullptr) return nullptr;
  if (is_empty(c, a)) {
    const ir::Dim m = lower::rows(c, a), n = lower::columns(c, a);
    return lower::filled(c, lower::with(lower::batch(c, a), {n, m}), 0, a->dtype());
  }
  const auto limits = bounds(c, a);
  V *s = nullptr, *left = nullptr, *right = nullptr;
  if (c.schema().name != "aten::pinverse" && c.flag("hermitian")) {
    const auto all = c.b.emit_n(Eigh{}, {a}, 2);
    s = all[0];
    left = all[1];
    right = lower::adjoint(c, all[1]);
  } else {
    const auto all = c.b.emit_n(SVD{}, {a}, 3);
    s = all[1];
    left = lower::adjoint(c, all[2]);
    right = lower::adjoint(c, all[0]);
  }
  V* counts = counting(c, *limits, c.b.emit_named("Abs", {s}));
  V* inverse = lower::where(c, counts, c.b.emit_named("Reciprocal", {s}), lower::like(c, s, 0));
  return lower::matmul(c, lower::mul(c, left, lower::as_row(c, inverse)), right);
}

V* rank(LowerContext& c) {
  V* a = lower::matrices(c, c.schema().overload.ends_with("tensor") ? "input" : "self");
  if (a == nullptr) return nullptr;
  if (is_empty(c, a)) return lower::filled(c, lower::batch(c, a), 0, DType::i64);
  const auto limits = bounds(c, a);
  V* s = c.flag("hermitian") ? c.b.emit_named("Abs", {c.b.emit_n(Eigh{}, {a}, 2)[0]})
                             : lower::singular_values(c, a);
  return lower::reduce_last(c, "ReduceSum", c.b.cast(counting(c, *limits, s), DType::i64));
}

}  // namespace svd_lowering

std::span<const torch::Lowering> svd_torch() {
  using namespace svd_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_svd", linalg_svd},
      {"aten::_linalg_svd", linalg_svd},
      {"aten::svd", svd},
      {"aten::linalg_svdvals", values},
      {"aten::linalg_polar", polar},
      {"aten::linalg_pinv", pseudo_inverse},
      {"aten::linalg_pinv.rcond_tensor", pseudo_inverse},
      {"aten::linalg_pinv.atol_rtol_float", pseudo_inverse},
      {"aten::linalg_pinv.atol_rtol_tensor", pseudo_inverse},
      {"aten::pinverse", pseudo_inverse},
      {"aten::linalg_matrix_rank", rank},
      {"aten::linalg_matrix_rank.tol_tensor", rank},
      {"aten::linalg_matrix_rank.atol_rtol_float", rank},
      {"aten::linalg_matrix_rank.atol_rtol_tensor", rank},
  };
  return kAll;
}

}  // namespace tenon::ops
