#include "ops/matrix_exp/matrix_exp.h"

#include "ops/common/ref_matrix.h"
// After Eigen's own headers.
#include <unsupported/Eigen/MatrixFunctions>

namespace tenon::ops {
namespace ref_matrix_exp {

using namespace ref_matrix;

Status run(RefContext& c) {
  Stack a = TRY(square_stack(c, 0));
  for (int64_t i = 0; i < a.count && a.rows > 0; ++i) {
    const Eigen::MatrixXd x = a[i];
    if (x.allFinite())
      a[i] = x.exp();
    else
      a[i].setConstant(std::numeric_limits<double>::quiet_NaN());
  }
  c.outputs[0] = to_tensor(a, c.input(0).dtype());
  return {};
}

}  // namespace ref_matrix_exp

std::span<const RefKernel> matrix_exp_ref() {
  static constexpr RefKernel kernels[] = {
      ref_matrix::matrix_kernel<MatrixExp>(ref_matrix_exp::run)};
  return kernels;
}

}  // namespace tenon::ops
