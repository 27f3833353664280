#include "ops/matmul/matmul.h"

#include "ops/common/ref_gemm.h"

namespace tenon::ops {
namespace {

// Integers wrap, as in NumPy.
void multiply_integers(int64_t m, int64_t n, int64_t k, const uint64_t* a, const uint64_t* b,
                       uint64_t* out) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      uint64_t sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += a[i * k + p] * b[p * n + j];
      out[i * n + j] = sum;
    }
  }
}

Status run_matmul(RefContext& c) {
  TRY(need_computable(c));
  const Tensor &a = c.input(0), &b = c.input(1);
  Dims x = a.shape(), y = b.shape();
  if (x.empty() || y.empty()) return c.fail("an input is a scalar");
  const bool row = x.size() == 1, column = y.size() == 1;
  if (row) x.insert(x.begin(), 1);
  if (column) y.push_back(1);
  const int64_t m = x[x.size() - 2], k = x.back(), n = y.back();
  if (y[y.size() - 2] != k) {
    return c.fail(fmt::format("{} and {} do not multiply", to_string(ir::to_shape(a.shape())),
                              to_string(ir::to_shape(b.shape()))));
  }
  x.resize(x.size() - 2);
  y.resize(y.size() - 2);
  const Dims batch = TRY(broadcast_dims(c, x, y));
  Dims dims = batch;
  if (!row) dims.push_back(m);
  if (!column) dims.push_back(n);
  TRY(check_size(c, a.dtype(), dims));
  const std::array<Dims, 2> strides{broadcast_strides(x, batch), broadcast_strides(y, batch)};
  if (is_integral(a.dtype())) {
    const auto p = elements<uint64_t>(a), q = elements<uint64_t>(b);
    std::vector<uint64_t> out(static_cast<size_t>(element_count(dims)));
    for_broadcast<2>(batch, strides, [&](int64_t i, const std::array<int64_t, 2>& at) {
      multiply_integers(m, n, k, p.data() + at[0] * m * k, q.data() + at[1] * k * n,
                        out.data() + i * m * n);
    });
    c.outputs[0] = from_elements<uint64_t>(a.dtype(), dims, out);
    return {};
  }
  std::vector<double> out(static_cast<size_t>(element_count(dims)));
  with_operands(a, b, [&]<class T>(const std::vector<T>& p, const std::vector<T>& q) {
    for_broadcast<2>(batch, strides, [&](int64_t i, const std::array<int64_t, 2>& at) {
      ref_gemm(m, n, k, MatrixView<T>{p.data() + at[0] * m * k, k, 1},
               MatrixView<T>{q.data() + at[1] * k * n, n, 1}, out.data() + i * m * n);
    });
  });
  c.outputs[0] = from_elements<double>(a.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> matmul_ref() {
  static constexpr RefKernel kernels[] = {kernel<MatMul>(run_matmul)};
  return kernels;
}

}  // namespace tenon::ops
