#include "ops/svd/svd.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_svd {

using namespace ref_matrix;

// Jacobi's method is the more exact one, and takes long for large matrices.
constexpr Index kLargeMatrix = 128;

Status run(RefContext& c) {
  Stack a = TRY(stack_input(c, 0));
  TRY(need_finite(c, a));
  const bool full = c.as<SVD>().full;
  const Index k = std::min(a.rows, a.columns);
  Stack u = TRY(stack_like(c, a, a.rows, full ? a.rows : k)), s = TRY(stack_like(c, a, 1, k)),
        vh = TRY(stack_like(c, a, full ? a.columns : k, a.columns));
  const unsigned wanted = full ? Eigen::ComputeFullU | Eigen::ComputeFullV
                               : Eigen::ComputeThinU | Eigen::ComputeThinV;
  for (int64_t i = 0; i < a.count; ++i) {
    auto store = [&](const auto& svd) {
      u[i] = svd.matrixU();
      s[i] = svd.singularValues().transpose();
      vh[i] = svd.matrixV().transpose();
    };
    if (k == 0) {  // nothing is turned
      u[i].setIdentity();
      vh[i].setIdentity();
    } else if (k < kLargeMatrix) {
      store(Eigen::JacobiSVD<Eigen::MatrixXd>(a[i], wanted));
    } else {
      store(Eigen::BDCSVD<Eigen::MatrixXd>(a[i], wanted));
    }
  }
  const DType type = c.input(0).dtype();
  c.outputs[0] = to_tensor(u, type);
  c.outputs[1] = per_matrix<double>(a, {k}, type, s.values);
  c.outputs[2] = to_tensor(vh, type);
  return {};
}

}  // namespace ref_svd

std::span<const RefKernel> svd_ref() {
  static constexpr RefKernel kernels[] = {ref_matrix::matrix_kernel<SVD>(ref_svd::run)};
  return kernels;
}

}  // namespace tenon::ops
