// The order in which LAPACK's geev gives eigenvalues: PyTorch's results come in it, though nothing
// defines it but the steps of the algorithm.
#pragma once

#include <complex>
#include <optional>
#include <vector>

#include "ops/common/ref_matrix.h"

namespace tenon::ops::ref_eigen {

// The eigenvalues of a matrix by balancing, reduction to Hessenberg form and QR steps with double
// shifts, as LAPACK's gebal, gehrd and lahqr do them, in the precision T. They serve for the order
// only. Nothing where the steps do not converge.
template <class T>
std::optional<std::vector<std::complex<double>>> lapack_eigenvalues(const Eigen::MatrixXd& matrix);

}  // namespace tenon::ops::ref_eigen
