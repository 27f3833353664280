// Inverses and systems of equations.
#include "ops/solve/solve.h"

#include <fmt/format.h>

#include <limits>

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace solve_lowering {

using lower::V;
using torch::LowerContext;

// Whether PyTorch takes the right side as vectors: it is one, or it has a's shape without the last
// dimension.
bool is_vector(LowerContext& c, V* a, V* b) {
  Sizes vectors = lower::sizes(c, a);
  vectors.pop_back();
  return lower::rank(c, b) == 1 || lower::sizes(c, b) == vectors;
}

// x and info. Without `left` x a = b, which is the transpose of a^T x^T = b^T.
std::vector<V*> solved(LowerContext& c, bool check) {
  V *a = lower::square_matrices(c, "A"), *b = c.tensor("B");
  if (a == nullptr) return {};
  const bool vector = is_vector(c, a, b), left = c.flag("left");
  if (vector) b = lower::as_column(c, b);
  if (lower::rank(c, b) < 2 || (vector && !left)) {
    c.refuse("the right side is no matrix");
    return {};
  }
  std::vector<V*> out = left
                            ? lower::solve(c, a, b, check)
                            : lower::solve(c, lower::adjoint(c, a), lower::adjoint(c, b), check);
  if (out[0] == nullptr) return {};
  if (!left) out[0] = lower::adjoint(c, out[0]);
  if (vector) out[0] = lower::squeeze_last(c, out[0]);
  return out;
}
V* solve(LowerContext& c) {
  const auto out = solved(c, true);
  return out.empty() ? nullptr : out[0];
}
V* solve_ex(LowerContext& c) {
  const auto out = solved(c, c.flag("check_errors"));
  return out.empty() ? nullptr : c.give(out);
}
// The factors that come with it serve gradients only, and are not given: whether they are those of
// the matrix or of its transpose depends on how it lies in memory.
V* solve_with_factors(LowerContext& c) {
  const auto out = solved(c, c.flag("check_errors"));
  return out.empty() ? nullptr : c.give({out[0], nullptr, nullptr, out[1]});
}

V* inverse(LowerContext& c) {
  V* a = lower::square_matrices(c, c.schema().name == "aten::inverse" ? "self" : "A");
  return a ? lower::inverse_of(c, a, true)[0] : nullptr;
}
V* inverse_ex(LowerContext& c) {
  V* a = lower::square_matrices(c, "A");
  return a ? c.give(lower::inverse_of(c, a, c.flag("check_errors"))) : nullptr;
}

V* triangular(LowerContext& c, V* a, V* b, bool upper, bool left, bool unit) {
  if (left) return lower::solve_triangular(c, a, b, upper, unit);
  V* x =
      lower::solve_triangular(c, lower::adjoint(c, a), lower::adjoint(c, b), !upper, unit);
  return x ? lower::adjoint(c, x) : nullptr;
}
V* linalg_solve_triangular(LowerContext& c) {
  V *a = lower::square_matrices(c, "self"), *b = lower::matrices(c, "B");
  if (!a || !b) return nullptr;
  return triangular(c, a, b, c.flag("upper"), c.flag("left"), c.flag("unitriangular"));
}
// The older form gives the matrix back as well, with the batch that both broadcast to.
V* triangular_solve(LowerContext& c) {
  V *b = lower::matrices(c, "self"), *a = lower::square_matrices(c, "A");
  if (!a || !b) return nullptr;
  std::tie(a, b) = lower::same_batch(c, a, b);
  if (a == nullptr) return nullptr;
  const bool transposed = c.flag("transpose"), upper = c.flag("upper");
  V* x = lower::solve_triangular(c, transposed ? lower::adjoint(c, a) : a, b, upper != transposed,
                                 c.flag("unitriangular"));
  return c.give({x, a});
}

// The inverse of the tensor taken as a matrix, its first `ind` dimensions as rows.
V* tensor_inverse(LowerContext& c) {
  V* a = c.tensor("self");
  const Sizes sizes = lower::sizes(c, a);
  const int64_t split = c.constant("ind");
  if (split <= 0 || static_cast<size_t>(split) > sizes.size())
    return c.refuse("the tensor does not have so many dimensions");
  const Sizes first(sizes.begin(), sizes.begin() + split), last(sizes.begin() + split, sizes.end());
  V* matrix = lower::reshape(c, a, {ir::product(first), ir::product(last)});
  Sizes out = last;
  out.insert(out.end(), first.begin(), first.end());
  return lower::reshape(c, lower::inverse_of(c, matrix, true)[0], out);
}

// x of tensordot(a, x) = b: a's dimensions `dims` come last, then it is a square matrix.
V* tensor_solve(LowerContext& c) {
  V *a = c.tensor("self"), *b = c.tensor("other");
  std::vector<int64_t> order = lower::all_axes(lower::rank(c, a));
  for (int64_t dim : c.constants("dims")) {
    const auto at = lower::axis(c, dim, order.size());
    if (!at) return nullptr;
    std::erase(order, *at);
    order.push_back(*at);
  }
  a = lower::transpose(c, a, order);
  const Sizes sizes = lower::sizes(c, a);
  const auto own = static_cast<ptrdiff_t>(lower::rank(c, b));
  if (own > static_cast<ptrdiff_t>(sizes.size()))
    return c.refuse("the right side has more dimensions than the tensor");
  const Sizes out(sizes.begin() + own, sizes.end());
  const ir::Dim n = ir::product(lower::sizes(c, b));
  V* matrix = lower::reshape(c, a, {n, ir::product(out)});
  V* x = lower::solve(c, matrix, lower::reshape(c, b, {n, 1}), true)[0];
  return lower::reshape(c, x, out);
}

// PyTorch's drivers differ in what they give: gelsy, the default, no residuals; gels no rank; these
// two no singular values.
V* least_squares(LowerContext& c) {
  V *a = lower::matrices(c, "self"), *b = c.tensor("b");
  if (a == nullptr) return nullptr;
  const std::string driver = c.has("driver") ? c.text("driver") : "gelsy";
  const bool vector = is_vector(c, a, b);
  if (vector) b = lower::as_column(c, b);
  const DType type = a->dtype();
  const auto m = lower::rows(c, a).constant(), n = lower::columns(c, a).constant();
  if (!m || !n)
    return c.refuse("what least squares give depends on which side of the matrix is longer",
                    "fix its sizes with --shapes");
  const double epsilon = type == DType::f64 ? std::numeric_limits<double>::epsilon()
                                            : std::numeric_limits<float>::epsilon();
  const double rcond =
      c.has("rcond") ? c.number("rcond") : epsilon * static_cast<double>(std::max(*m, *n));
  std::tie(a, b) = lower::same_batch(c, a, b);
  if (a == nullptr) return nullptr;
  const auto all = c.b.emit_n(LeastSquares{.driver = driver, .rcond = rcond}, {a, b}, 4);
  const bool values = driver == "gelss" || driver == "gelsd";
  return c.give({vector ? lower::squeeze_last(c, all[0]) : all[0],
                 *m > *n && driver != "gelsy" ? all[1] : lower::nothing(c, type),
                 driver != "gels" ? all[2] : lower::nothing(c, DType::i64),
                 values ? all[3] : lower::nothing(c, type)});
}

}  // namespace solve_lowering

std::span<const torch::Lowering> solve_torch() {
  using namespace solve_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_solve", solve},
      {"aten::linalg_solve_ex", solve_ex},
      {"aten::_linalg_solve_ex", solve_with_factors},
      {"aten::linalg_inv", inverse},
      {"aten::inverse", inverse},
      {"aten::linalg_inv_ex", inverse_ex},
      {"aten::linalg_solve_triangular", linalg_solve_triangular},
      {"aten::triangular_solve", triangular_solve},
      {"aten::linalg_tensorinv", tensor_inverse},
      {"aten::linalg_tensorsolve", tensor_solve},
      {"aten::linalg_lstsq", least_squares},
  };
  return kAll;
}

}  // namespace tenon::ops
