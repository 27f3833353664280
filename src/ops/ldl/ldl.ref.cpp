// The factorisation of symmetric indefinite matrices by Bunch and Kaufman, step by step as LAPACK's
// sytf2 and sytrs do it, since the pivots that they choose are part of the result.
#include "ops/ldl/ldl.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_ldl {

using namespace ref_matrix;
using Square = Eigen::Ref<Matrix>;

struct Pivot {
  Index row;   // that comes to the front
  Index step;  // size of the block
};

// Which row comes to place k, and whether with it a block of 2 x 2.
std::optional<Pivot> choose(const Square& a, Index k) {
  const Index n = a.rows();
  const double alpha = (1 + std::sqrt(17.0)) / 8;  // bounds the growth of elements
  const double own = std::abs(a(k, k));
  Index largest = k;
  double column = 0;
  for (Index i = k + 1; i < n; ++i) {
    if (std::abs(a(i, k)) > column || i == k + 1) {
      column = std::abs(a(i, k));
      largest = i;
    }
  }
  if (std::max(own, column) == 0 || std::isnan(own)) return std::nullopt;
  if (own >= alpha * column) return Pivot{k, 1};
  double row = 0;
  for (Index j = k; j < largest; ++j) row = std::max(row, std::abs(a(largest, j)));
  for (Index i = largest + 1; i < n; ++i) row = std::max(row, std::abs(a(i, largest)));
  if (own >= alpha * column * (column / row)) return Pivot{k, 1};
  if (std::abs(a(largest, largest)) >= alpha * row) return Pivot{largest, 1};
  return Pivot{largest, 2};
}

// Swaps rows and columns `to` and `from` of the symmetric rest, of which the lower triangle is kept.
void swap(Square a, Index k, const Pivot& pivot) {
  const Index n = a.rows(), to = k + pivot.step - 1, from = pivot.row;
  if (from == to) return;
  for (Index i = from + 1; i < n; ++i) std::swap(a(i, to), a(i, from));
  for (Index i = to + 1; i < from; ++i) std::swap(a(i, to), a(from, i));
  std::swap(a(to, to), a(from, from));
  if (pivot.step == 2) std::swap(a(k + 1, k), a(from, k));
}

void eliminate_one(Square a, Index k) {
  const double inverse = 1 / a(k, k);
  for (Index j = k + 1; j < a.rows(); ++j) {
    for (Index i = j; i < a.rows(); ++i) a(i, j) -= inverse * a(i, k) * a(j, k);
  }
  for (Index i = k + 1; i < a.rows(); ++i) a(i, k) *= inverse;
}

void eliminate_two(Square a, Index k) {
  if (k + 2 >= a.rows()) return;
  const double d21 = a(k + 1, k), d11 = a(k + 1, k + 1) / d21, d22 = a(k, k) / d21;
  const double scale = 1 / (d11 * d22 - 1) / d21;
  for (Index j = k + 2; j < a.rows(); ++j) {
    const double first = scale * (d11 * a(j, k) - a(j, k + 1)),
                 second = scale * (d22 * a(j, k + 1) - a(j, k));
    for (Index i = j; i < a.rows(); ++i) a(i, j) -= a(i, k) * first + a(i, k + 1) * second;
    a(j, k) = first;
    a(j, k + 1) = second;
  }
}

// Returns LAPACK's info.
int64_t factor(Square a, int64_t* pivots) {
  int64_t info = 0;
  for (Index k = 0; k < a.rows();) {
    const auto pivot = choose(a, k);
    if (!pivot) {
      if (info == 0) info = k + 1;
      pivots[k] = k + 1;
      ++k;
      continue;
    }
    swap(a, k, *pivot);
    if (pivot->step == 1) {
      eliminate_one(a, k);
      pivots[k] = pivot->row + 1;
    } else {
      eliminate_two(a, k);
      pivots[k] = pivots[k + 1] = -(pivot->row + 1);
    }
    k += pivot->step;
  }
  return info;
}

void solve(const Square& a, const int64_t* pivots, Square b) {
  const Index n = a.rows();
  auto swap_rows = [&](Index i, Index k) {
    if (i != k) b.row(i).swap(b.row(k));
  };
  for (Index k = 0; k < n;) {
    if (pivots[k] > 0) {
      swap_rows(k, pivots[k] - 1);
      b.bottomRows(n - k - 1) -= a.col(k).tail(n - k - 1) * b.row(k);
      b.row(k) /= a(k, k);
      ++k;
      continue;
    }
    swap_rows(k + 1, -pivots[k] - 1);
    b.bottomRows(n - k - 2) -=
        a.col(k).tail(n - k - 2) * b.row(k) + a.col(k + 1).tail(n - k - 2) * b.row(k + 1);
    const double off = a(k + 1, k), one = a(k, k) / off, two = a(k + 1, k + 1) / off;
    const Eigen::RowVectorXd x = b.row(k) / off, y = b.row(k + 1) / off;
    b.row(k) = (two * x - y) / (one * two - 1);
    b.row(k + 1) = (one * y - x) / (one * two - 1);
    k += 2;
  }
  for (Index k = n - 1; k >= 0;) {
    const Index below = n - k - 1;
    b.row(k) -= a.col(k).tail(below).transpose() * b.bottomRows(below);
    if (pivots[k] > 0) {
      swap_rows(k, pivots[k] - 1);
      --k;
      continue;
    }
    b.row(k - 1) -= a.col(k - 1).tail(below).transpose() * b.bottomRows(below);
    swap_rows(k, -pivots[k] - 1);
    k -= 2;
  }
}

Status run_factor(RefContext& c) {
  Stack a = TRY(square_stack(c, 0));
  std::vector<int64_t> pivots(static_cast<size_t>(a.count * a.rows)),
      info(static_cast<size_t>(a.count));
  for (int64_t i = 0; i < a.count; ++i) {
    a[i].triangularView<Eigen::StrictlyUpper>().setZero();
    info[static_cast<size_t>(i)] = factor(a[i], pivots.data() + i * a.rows);
  }
  c.outputs[0] = to_tensor(a, c.input(0).dtype());
  c.outputs[1] = per_matrix<int64_t>(a, {a.rows}, DType::i32, pivots);
  c.outputs[2] = per_matrix<int64_t>(a, {}, DType::i32, info);
  return {};
}

// Pivots that no factorisation gives would lead out of the matrix.
bool are_pivots(std::span<const int64_t> pivots) {
  const auto n = static_cast<int64_t>(pivots.size());
  for (size_t k = 0; k < pivots.size(); ++k) {
    const int64_t p = pivots[k];
    if (p == 0 || p > n || p < -n) return false;
    if (p > 0) continue;
    if (k + 1 == pivots.size() || pivots[k + 1] != p) return false;
    ++k;
  }
  return true;
}

Status run_solve(RefContext& c) {
  Stack a = TRY(square_stack(c, 0)), b = TRY(stack_input(c, 2));
  const std::vector<int64_t> pivots = TRY(integer_input(c, 1));
  if (a.batch != b.batch || a.rows != b.rows ||
      static_cast<int64_t>(pivots.size()) != a.count * a.rows)
    return c.fail("the inputs do not fit");
  for (int64_t i = 0; i < a.count; ++i) {
    const auto own = std::span(pivots).subspan(static_cast<size_t>(i * a.rows),
                                               static_cast<size_t>(a.rows));
    if (!are_pivots(own)) return c.fail("the pivots are none of a factorisation");
    solve(a[i], own.data(), b[i]);
  }
  c.outputs[0] = to_tensor(b, c.input(2).dtype());
  return {};
}

}  // namespace ref_ldl

std::span<const RefKernel> ldl_ref() {
  using namespace ref_ldl;
  static constexpr RefKernel kernels[] = {matrix_kernel<LDL>(run_factor),
                                          matrix_kernel<LDLSolve>(run_solve)};
  return kernels;
}

}  // namespace tenon::ops
