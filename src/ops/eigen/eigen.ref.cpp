#include "ops/eigen/eigen.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_eigen {

using namespace ref_matrix;

Status run_eigh(RefContext& c) {
  Stack a = TRY(square_stack(c, 0));
  TRY(need_finite(c, a));
  Stack values = TRY(stack_like(c, a, 1, a.rows)), vectors = TRY(stack_like(c, a, a.rows, a.rows));
  for (int64_t i = 0; i < a.count && a.rows > 0; ++i) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(a[i]);
    if (solver.info() != Eigen::Success) return c.fail("the eigenvalues do not converge");
    values[i] = solver.eigenvalues().transpose();
    vectors[i] = solver.eigenvectors();
  }
  c.outputs[0] = per_matrix<double>(a, {a.rows}, c.input(0).dtype(), values.values);
  c.outputs[1] = to_tensor(vectors, c.input(0).dtype());
  return {};
}

// Turned so that the element of the largest magnitude is real.
Eigen::VectorXcd normal(const Eigen::VectorXcd& vector) {
  Index largest = 0;
  vector.cwiseAbs2().maxCoeff(&largest);
  const std::complex<double> pivot = vector[largest];
  if (pivot.imag() == 0) return vector;
  Eigen::VectorXcd out = vector * (std::conj(pivot) / std::abs(pivot));
  out[largest] = out[largest].real();
  return out;
}

Status run_eig(RefContext& c) {
  Stack a = TRY(square_stack(c, 0));
  TRY(need_finite(c, a));
  const Index n = a.rows;
  Stack values = TRY(stack_like(c, a, n, 2)), vectors = TRY(stack_like(c, a, n * n, 2));
  for (int64_t i = 0; i < a.count && n > 0; ++i) {
    const Eigen::EigenSolver<Eigen::MatrixXd> solver(a[i]);
    if (solver.info() != Eigen::Success) return c.fail("the eigenvalues do not converge");
    auto own_values = values[i];
    auto own_vectors = vectors[i];
    for (Index k = 0; k < n; ++k) {
      const std::complex<double> value = solver.eigenvalues()[k];
      own_values.row(k) << value.real(), value.imag();
      const Eigen::VectorXcd vector = normal(solver.eigenvectors().col(k));
      for (Index r = 0; r < n; ++r)
        own_vectors.row(r * n + k) << vector[r].real(), vector[r].imag();
    }
  }
  c.outputs[0] = to_tensor(values, c.input(0).dtype());
  c.outputs[1] = per_matrix<double>(a, {n, n, 2}, c.input(0).dtype(), vectors.values);
  return {};
}

}  // namespace ref_eigen

std::span<const RefKernel> eigen_ref() {
  using namespace ref_eigen;
  static constexpr RefKernel kernels[] = {matrix_kernel<Eigh>(run_eigh),
                                          matrix_kernel<Eig>(run_eig)};
  return kernels;
}

}  // namespace tenon::ops
