// Matrix products of the reference kernels: sums in double, whatever the operands' type.
#pragma once

#include <cstdint>

#include "ops/common/ref.h"

namespace tenon::ops {

// A matrix in memory; strides are in elements.
template <class T>
struct MatrixView {
  const T* data;
  int64_t row_stride, column_stride;
};

// out[m, n] (dense) = sum over k of a[m, k] * b[k, n]; out is overwritten.
void ref_gemm(int64_t m, int64_t n, int64_t k, MatrixView<float> a, MatrixView<float> b,
              double* out);
void ref_gemm(int64_t m, int64_t n, int64_t k, MatrixView<double> a, MatrixView<double> b,
              double* out);

// Calls f with both tensors' elements as floats, where their type fits into it, or as doubles.
template <class F>
void with_operands(const Tensor& a, const Tensor& b, F&& f) {
  if (a.dtype() == DType::f64 || b.dtype() == DType::f64 || is_integral(a.dtype()))
    f(elements<double>(a), elements<double>(b));
  else
    f(elements<float>(a), elements<float>(b));
}

}  // namespace tenon::ops
