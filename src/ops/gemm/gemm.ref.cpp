#include "ops/gemm/gemm.h"

#include "ops/common/ref_gemm.h"

namespace tenon::ops {
namespace {

Status run_gemm(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Gemm>();
  const Tensor &a = c.input(0), &b = c.input(1);
  if (a.shape().size() != 2 || b.shape().size() != 2) return c.fail("an input is not a matrix");
  const int64_t m = a.shape()[op.trans_a ? 1 : 0], k = a.shape()[op.trans_a ? 0 : 1];
  const int64_t n = b.shape()[op.trans_b ? 0 : 1];
  if (b.shape()[op.trans_b ? 1 : 0] != k) return c.fail("the inner sizes differ");
  const Dims dims{m, n};
  TRY(check_size(c, a.dtype(), dims));
  std::vector<double> out(static_cast<size_t>(m * n));
  with_operands(a, b, [&]<class T>(const std::vector<T>& p, const std::vector<T>& q) {
    const MatrixView<T> x =
        op.trans_a ? MatrixView<T>{p.data(), 1, m} : MatrixView<T>{p.data(), k, 1};
    const MatrixView<T> y =
        op.trans_b ? MatrixView<T>{q.data(), 1, k} : MatrixView<T>{q.data(), n, 1};
    ref_gemm(m, n, k, x, y, out.data());
  });
  for (double& v : out) v *= op.alpha;
  if (c.has(2)) {
    const Tensor& addend = c.input(2);
    if (TRY(broadcast_dims(c, dims, addend.shape())) != dims)
      return c.fail("C does not broadcast to the product");
    const auto values = elements<double>(addend);
    for_broadcast<1>(dims, {broadcast_strides(addend.shape(), dims)},
                     [&](int64_t i, const std::array<int64_t, 1>& at) {
                       out[static_cast<size_t>(i)] += op.beta * values[static_cast<size_t>(at[0])];
                     });
  }
  c.outputs[0] = from_elements<double>(a.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> gemm_ref() {
  static constexpr RefKernel kernels[] = {kernel<Gemm>(run_gemm)};
  return kernels;
}

}  // namespace tenon::ops
