#include "ops/cholesky/cholesky.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_cholesky {

using namespace ref_matrix;

// Column by column, from the lower triangle of `a`. Returns LAPACK's info.
int64_t factor(const Eigen::Ref<const Matrix>& a, Eigen::Ref<Matrix> l) {
  for (Index j = 0; j < a.rows(); ++j) {
    const double d = a(j, j) - l.row(j).head(j).squaredNorm();
    if (!(d > 0)) return j + 1;
    l(j, j) = std::sqrt(d);
    for (Index i = j + 1; i < a.rows(); ++i)
      l(i, j) = (a(i, j) - l.row(i).head(j).dot(l.row(j).head(j))) / l(j, j);
  }
  return 0;
}

Status run(RefContext& c) {
  Stack a = TRY(square_stack(c, 0));
  Stack l = TRY(stack_like(c, a, a.rows, a.rows));
  std::vector<int64_t> info(static_cast<size_t>(a.count));
  for (int64_t i = 0; i < a.count; ++i) {
    const int64_t one = info[static_cast<size_t>(i)] = factor(a[i], l[i]);
    if (one != 0 && c.as<Cholesky>().check)
      return c.fail(fmt::format("the leading minor of order {} is not positive-definite", one));
  }
  c.outputs[0] = to_tensor(l, c.input(0).dtype());
  c.outputs[1] = per_matrix<int64_t>(a, {}, DType::i32, info);
  return {};
}

}  // namespace ref_cholesky

std::span<const RefKernel> cholesky_ref() {
  static constexpr RefKernel kernels[] = {ref_matrix::matrix_kernel<Cholesky>(ref_cholesky::run)};
  return kernels;
}

}  // namespace tenon::ops
