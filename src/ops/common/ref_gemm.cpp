#include "ops/common/ref_gemm.h"

#include <algorithm>
#include <array>

namespace tenon::ops {
namespace {

// The sums that are kept in cache at a time; constants, so that the compiler vectorises the loops.
constexpr int64_t kColumns = 256;
constexpr int64_t kRows = 4;

template <class T>
[[gnu::always_inline]] inline void multiply_block(int64_t k, const T* a, const T* b,
                                                  double (*sums)[kColumns]) {
  for (int64_t i = 0; i < k; ++i) {
    const T* row = b + i * kColumns;
    const double a0 = a[i * kRows], a1 = a[i * kRows + 1], a2 = a[i * kRows + 2],
                 a3 = a[i * kRows + 3];
    for (int64_t j = 0; j < kColumns; ++j) {
      const double v = row[j];
      sums[0][j] += a0 * v;
      sums[1][j] += a1 * v;
      sums[2][j] += a2 * v;
      sums[3][j] += a3 * v;
    }
  }
}

// One for each instruction set; the loader picks. Sanitizers do not get along with that.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
[[gnu::target_clones("avx512f", "avx2", "default")]]
#endif
void multiply_f32(int64_t k, const float* a, const float* b, double (*sums)[kColumns]) {
  multiply_block(k, a, b, sums);
}
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
[[gnu::target_clones("avx512f", "avx2", "default")]]
#endif
void multiply_f64(int64_t k, const double* a, const double* b, double (*sums)[kColumns]) {
  multiply_block(k, a, b, sums);
}

void multiply(int64_t k, const float* a, const float* b, double (*sums)[kColumns]) {
  multiply_f32(k, a, b, sums);
}
void multiply(int64_t k, const double* a, const double* b, double (*sums)[kColumns]) {
  multiply_f64(k, a, b, sums);
}

// Columns [first, first + count) of b, side by side in rows of kColumns, and rows of a alike:
// zeros fill up, so that the inner loops know their lengths.
template <class T>
void gemm(int64_t m, int64_t n, int64_t k, MatrixView<T> a, MatrixView<T> b, double* out) {
  const int64_t column_blocks = (n + kColumns - 1) / kColumns, row_blocks = (m + kRows - 1) / kRows;
  std::vector<T> rows(static_cast<size_t>(row_blocks * kRows * k), T{0});
  for (int64_t r = 0; r < m; ++r) {
    T* to = rows.data() + r / kRows * kRows * k + r % kRows;
    const T* from = a.data + r * a.row_stride;
    for (int64_t i = 0; i < k; ++i) to[i * kRows] = from[i * a.column_stride];
  }
  std::vector<T> columns(static_cast<size_t>(kColumns * k), T{0});
  for (int64_t block = 0; block < column_blocks; ++block) {
    const int64_t first = block * kColumns, count = std::min(kColumns, n - first);
    for (int64_t i = 0; i < k; ++i) {
      const T* from = b.data + i * b.row_stride + first * b.column_stride;
      T* to = columns.data() + i * kColumns;
      for (int64_t j = 0; j < count; ++j) to[j] = from[j * b.column_stride];
      std::fill(to + count, to + kColumns, T{0});
    }
#pragma omp parallel for schedule(static)
    for (int64_t row_block = 0; row_block < row_blocks; ++row_block) {
      alignas(64) double sums[kRows][kColumns] = {};
      multiply(k, rows.data() + row_block * kRows * k, columns.data(), sums);
      for (int64_t r = 0; r < std::min(kRows, m - row_block * kRows); ++r) {
        std::copy_n(sums[r], count, out + (row_block * kRows + r) * n + first);
      }
    }
  }
}

}  // namespace

void ref_gemm(int64_t m, int64_t n, int64_t k, MatrixView<float> a, MatrixView<float> b,
              double* out) {
  gemm(m, n, k, a, b, out);
}
void ref_gemm(int64_t m, int64_t n, int64_t k, MatrixView<double> a, MatrixView<double> b,
              double* out) {
  gemm(m, n, k, a, b, out);
}

}  // namespace tenon::ops
