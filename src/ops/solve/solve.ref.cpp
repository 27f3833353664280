#include "ops/solve/solve.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_solve {

using namespace ref_matrix;

struct System {
  Stack a, b;
};
Result<System> inputs(const RefContext& c) {
  System s{TRY(stack_input(c, 0)), TRY(stack_input(c, 1))};
  if (s.a.batch != s.b.batch || s.a.rows != s.b.rows) return c.fail("the sides do not fit");
  return s;
}

Status run_solve(RefContext& c) {
  auto [a, b] = TRY(inputs(c));
  if (a.rows != a.columns) return c.fail("the matrices are not square");
  std::vector<int64_t> info(static_cast<size_t>(a.count));
  for (int64_t i = 0; i < a.count && a.rows > 0; ++i) {
    const Eigen::PartialPivLU<Matrix> lu(a[i]);
    const auto diagonal = lu.matrixLU().diagonal();
    int64_t& own = info[static_cast<size_t>(i)];
    for (Index k = a.rows; k-- > 0;) {
      if (diagonal[k] == 0) own = k + 1;
    }
    if (own != 0 && c.as<Solve>().check)
      return c.fail(fmt::format("the diagonal element {} is zero: the matrix is singular", own));
    const Matrix x = lu.solve(b[i]);
    b[i] = x;
  }
  c.outputs[0] = to_tensor(b, c.input(1).dtype());
  c.outputs[1] = per_matrix<int64_t>(a, {}, DType::i32, info);
  return {};
}

Status run_triangular(RefContext& c) {
  auto [a, b] = TRY(inputs(c));
  if (a.rows != a.columns) return c.fail("the matrices are not square");
  const auto op = c.as<TriangularSolve>();
  for (int64_t i = 0; i < a.count; ++i) {
    const auto m = a[i];
    auto x = b[i];
    if (op.upper && op.unit)
      m.triangularView<Eigen::UnitUpper>().solveInPlace(x);
    else if (op.upper)
      m.triangularView<Eigen::Upper>().solveInPlace(x);
    else if (op.unit)
      m.triangularView<Eigen::UnitLower>().solveInPlace(x);
    else
      m.triangularView<Eigen::Lower>().solveInPlace(x);
  }
  c.outputs[0] = to_tensor(b, c.input(1).dtype());
  return {};
}

// One system of least squares; what LAPACK's driver of the name computes.
struct Fit {
  Matrix x;
  Vector residuals, singular;
  Index rank = 0;
};

Fit by_singular_values(const Matrix& a, const Matrix& b, double rcond) {
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
  Fit fit{.x = {}, .residuals = {}, .singular = svd.singularValues()};
  const double least = fit.singular.size() ? rcond * fit.singular[0] : 0;
  Vector inverse = Vector::Zero(fit.singular.size());
  for (Index i = 0; i < fit.singular.size(); ++i) {
    if (!(fit.singular[i] > least)) continue;
    inverse[i] = 1 / fit.singular[i];
    ++fit.rank;
  }
  fit.x = svd.matrixV() * (inverse.asDiagonal() * (svd.matrixU().transpose() * b));
  fit.residuals = (a * fit.x - b).colwise().squaredNorm();
  return fit;
}

// By QR with column pivoting. The residuals are what LAPACK leaves below row n of Q^T b.
Fit by_pivoting(const Matrix& a, const Matrix& b, double rcond) {
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> qr;
  qr.setThreshold(rcond);
  qr.compute(a);
  Fit fit{.x = qr.solve(b), .residuals = {}, .singular = {}, .rank = qr.rank()};
  const Eigen::MatrixXd turned = qr.householderQ().adjoint() * b;
  fit.residuals = turned.bottomRows(std::max<Index>(a.rows() - a.cols(), 0)).colwise().squaredNorm();
  return fit;
}

Status run_least_squares(RefContext& c) {
  auto [a, b] = TRY(inputs(c));
  TRY(need_finite(c, a));
  const auto op = c.as<LeastSquares>();
  const bool values = op.driver == "gelss" || op.driver == "gelsd";
  const int64_t k = std::min(a.rows, a.columns);
  Stack x = TRY(stack_like(c, a, a.columns, b.columns));
  Stack residuals = TRY(stack_like(c, a, 1, b.columns)), singular = TRY(stack_like(c, a, 1, k));
  std::vector<int64_t> rank(static_cast<size_t>(a.count));
  for (int64_t i = 0; i < a.count && k > 0 && b.columns > 0; ++i) {
    const Fit fit = values ? by_singular_values(a[i], b[i], op.rcond)
                           : by_pivoting(a[i], b[i], op.driver == "gels" ? 0 : op.rcond);
    if (op.driver == "gels" && fit.rank < k) return c.fail("the matrix does not have full rank");
    // PyTorch gives no residuals where a rank is lower: a result of another shape.
    if (values && a.rows > a.columns && fit.rank < a.columns)
      return c.fail("the matrix does not have full rank: there are no residuals");
    x[i] = fit.x;
    residuals[i] = fit.residuals.transpose();
    if (values) singular[i] = fit.singular.transpose();
    rank[static_cast<size_t>(i)] = fit.rank;
  }
  const DType type = c.input(0).dtype();
  c.outputs[0] = to_tensor(x, type);
  c.outputs[1] = per_matrix<double>(a, {b.columns}, type, residuals.values);
  c.outputs[2] = per_matrix<int64_t>(a, {}, DType::i64, rank);
  c.outputs[3] = per_matrix<double>(a, {k}, type, singular.values);
  return {};
}

}  // namespace ref_solve

std::span<const RefKernel> solve_ref() {
  using namespace ref_solve;
  static constexpr RefKernel kernels[] = {matrix_kernel<Solve>(run_solve),
                                          matrix_kernel<TriangularSolve>(run_triangular),
                                          matrix_kernel<LeastSquares>(run_least_squares)};
  return kernels;
}

}  // namespace tenon::ops
