#include "ops/det/det.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace {

Status run_det(RefContext& c) {
  TRY(need_computable(c));
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  if (dims.size() < 2 || dims.back() != dims[dims.size() - 2])
    return c.fail("the matrices are not square");
  const int64_t n = dims.back();
  const Dims batch(dims.begin(), dims.end() - 2);
  const std::vector<double> values = elements<double>(x);
  std::vector<double> out(static_cast<size_t>(element_count(batch)), 1.0);  // of no elements: 1
  for (size_t i = 0; n > 0 && i < out.size(); ++i) {
    const Eigen::Map<const ref_matrix::Matrix> matrix(
        values.data() + static_cast<int64_t>(i) * n * n, n, n);
    out[i] = Eigen::PartialPivLU<ref_matrix::Matrix>(matrix).determinant();
  }
  c.outputs[0] = from_elements<double>(x.dtype(), batch, out);
  return {};
}

}  // namespace

std::span<const RefKernel> det_ref() {
  static constexpr RefKernel kernels[] = {kernel<Det>(run_det)};
  return kernels;
}

}  // namespace tenon::ops
