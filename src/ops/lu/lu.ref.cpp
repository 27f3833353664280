#include "ops/lu/lu.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_lu {

using namespace ref_matrix;

// LAPACK's getf2 on one matrix. Returns its info.
int64_t factor(Eigen::Ref<Matrix> a, int64_t* pivots) {
  int64_t info = 0;
  for (Index j = 0; j < std::min(a.rows(), a.cols()); ++j) {
    Index best = j;
    for (Index i = j + 1; i < a.rows(); ++i) {
      if (std::abs(a(i, j)) > std::abs(a(best, j))) best = i;
    }
    pivots[j] = best + 1;
    if (best != j) a.row(j).swap(a.row(best));
    if (a(j, j) == 0) {
      if (info == 0) info = j + 1;
      continue;
    }
    const Index below = a.rows() - j - 1, right = a.cols() - j - 1;
    a.col(j).tail(below) /= a(j, j);
    a.bottomRightCorner(below, right).noalias() -= a.col(j).tail(below) * a.row(j).tail(right);
  }
  return info;
}

Status run_factor(RefContext& c) {
  Stack a = TRY(stack_input(c, 0));
  const int64_t k = std::min(a.rows, a.columns);
  std::vector<int64_t> pivots(static_cast<size_t>(a.count * k)),
      info(static_cast<size_t>(a.count));
  for (int64_t i = 0; i < a.count; ++i)
    info[static_cast<size_t>(i)] = factor(a[i], pivots.data() + i * k);
  c.outputs[0] = to_tensor(a, c.input(0).dtype());
  c.outputs[1] = per_matrix<int64_t>(a, {k}, DType::i32, pivots);
  c.outputs[2] = per_matrix<int64_t>(a, {}, DType::i32, info);
  return {};
}

Status run_permutation(RefContext& c) {
  const Dims& dims = c.input(0).shape();
  const std::vector<int64_t> pivots = TRY(integer_input(c, 0)), size = TRY(integer_input(c, 1));
  if (dims.empty() || size.size() != 1) return c.fail("the pivots are no vectors");
  const int64_t k = dims.back(), rows = size[0];
  Dims out_dims(dims.begin(), dims.end() - 1);
  const int64_t count = element_count(out_dims);
  out_dims.push_back(rows);
  if (rows < k) return c.fail("there are more pivots than rows");
  TRY(check_size(c, DType::i64, out_dims));
  std::vector<int64_t> out(static_cast<size_t>(count * rows));
  for (int64_t i = 0; i < count; ++i) {
    const auto own = std::span(out).subspan(static_cast<size_t>(i * rows),
                                            static_cast<size_t>(rows));
    std::iota(own.begin(), own.end(), 0);
    for (int64_t j = 0; j < k; ++j) {
      const int64_t with = pivots[static_cast<size_t>(i * k + j)] - 1;
      if (with < 0 || with >= rows) return c.fail("a pivot is no row of the matrix");
      std::swap(own[static_cast<size_t>(j)], own[static_cast<size_t>(with)]);
    }
  }
  c.outputs[0] = from_elements<int64_t>(DType::i64, out_dims, out);
  return {};
}

}  // namespace ref_lu

std::span<const RefKernel> lu_ref() {
  using namespace ref_lu;
  static constexpr RefKernel kernels[] = {matrix_kernel<LU>(run_factor),
                                          matrix_kernel<PivotsToPermutation>(run_permutation)};
  return kernels;
}

}  // namespace tenon::ops
