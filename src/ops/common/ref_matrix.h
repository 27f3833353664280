// What the reference kernels of linear algebra share: stacks of matrices of doubles, seen through
// Eigen. Only *.ref.cpp files include this.
#pragma once

#define EIGEN_DONT_PARALLELIZE
#define EIGEN_MPL2_ONLY
#include <Eigen/Dense>

#include "ops/common/ref.h"

namespace tenon::ops::ref_matrix {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
using Eigen::Index;

// A tensor [batch.., rows, columns]; `count` matrices.
struct Stack {
  Dims batch;
  int64_t count = 1;
  Index rows = 0, columns = 0;
  std::vector<double> values;

  Eigen::Map<Matrix> operator[](int64_t i) {
    return {values.data() + i * rows * columns, rows, columns};
  }
  Dims shape() const {
    Dims out = batch;
    out.push_back(rows);
    out.push_back(columns);
    return out;
  }
};

inline Result<Stack> stack_input(const RefContext& c, size_t i) {
  const Tensor& x = c.input(i);
  const Dims& dims = x.shape();
  if (dims.size() < 2) return c.fail("an input is not a matrix");
  if (x.dtype() != DType::f32 && x.dtype() != DType::f64)
    return c.fail("an input is not of f32 or f64");
  Stack out;
  out.batch.assign(dims.begin(), dims.end() - 2);
  out.count = element_count(out.batch);
  out.rows = dims[dims.size() - 2];
  out.columns = dims.back();
  out.values = elements<double>(x);
  return out;
}
inline Result<Stack> square_stack(const RefContext& c, size_t i) {
  Stack out = TRY(stack_input(c, i));
  if (out.rows != out.columns) return c.fail("the matrices are not square");
  return out;
}

// Zeros, as many matrices as in the other stack.
inline Result<Stack> stack_like(const RefContext& c, const Stack& other, Index rows,
                                Index columns) {
  Stack out{.batch = other.batch, .count = other.count, .rows = rows, .columns = columns};
  TRY(check_size(c, DType::f64, out.shape()));
  out.values.assign(static_cast<size_t>(out.count * rows * columns), 0.0);
  return out;
}

inline Tensor to_tensor(const Stack& from, DType dtype) {
  return from_elements<double>(dtype, from.shape(), from.values);
}
// A tensor [batch.., last..] of values computed for each matrix.
template <class T>
Tensor per_matrix(const Stack& like, std::initializer_list<int64_t> last, DType dtype,
                  std::span<const T> values) {
  Dims dims = like.batch;
  dims.insert(dims.end(), last);
  return from_elements<T>(dtype, std::move(dims), values);
}

// PyTorch raises for these too: no decomposition comes out.
inline Status need_finite(const RefContext& c, const Stack& x) {
  for (double v : x.values) {
    if (!std::isfinite(v)) return c.fail("the input has values that are not finite");
  }
  return {};
}

template <class Op>
constexpr RefKernel matrix_kernel(Status (*run)(RefContext&)) {
  return {.name = Op::kName, .run = run, .domain = Op::kDomain};
}

}  // namespace tenon::ops::ref_matrix
