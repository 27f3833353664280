#include "ops/eigen/eigen_order.h"

#include <limits>

namespace tenon::ops::ref_eigen {
namespace order {

using ref_matrix::Index;
template <class T>
using Square = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

// The rows and columns that are left when what the zeros isolate is at the ends.
struct Range {
  Index low, high;
};

template <class T>
void exchange(Square<T>& a, Index i, Index k) {
  if (i == k) return;
  a.col(i).swap(a.col(k));
  a.row(i).swap(a.row(k));
}

// A row with zeros beside its diagonal goes to the end, a column with such to the front.
template <class T>
Range isolate(Square<T>& a) {
  Range r{0, a.rows() - 1};
  auto row_alone = [&](Index i) {
    for (Index j = r.low; j <= r.high; ++j) {
      if (j != i && a(i, j) != 0) return false;
    }
    return true;
  };
  auto column_alone = [&](Index j) {
    for (Index i = r.low; i <= r.high; ++i) {
      if (i != j && a(i, j) != 0) return false;
    }
    return true;
  };
  for (Index i = r.high; i >= 0; --i) {
    if (!row_alone(i)) continue;
    exchange(a, i, r.high);
    if (r.high == 0) return {0, 0};
    i = r.high--;
  }
  for (Index j = r.low; j <= r.high; ++j) {
    if (!column_alone(j)) continue;
    exchange(a, j, r.low);
    j = r.low++;
  }
  return r;
}

// Powers of two that bring the norms of each row and its column near each other.
template <class T>
void scale(Square<T>& a, const Range& r) {
  constexpr int kMostRounds = 64;
  bool changed = true;
  for (int round = 0; changed && round < kMostRounds; ++round) {
    changed = false;
    for (Index i = r.low; i <= r.high; ++i) {
      const Index n = r.high - r.low + 1;
      T column = a.col(i).segment(r.low, n).norm(), row = a.row(i).segment(r.low, n).norm();
      if (column == 0 || row == 0 || !std::isfinite(column + row)) continue;
      const T sum = column + row;
      T factor = 1;
      for (; column < row / 2; row /= 2, column *= 2) factor *= 2;
      for (; column / 2 >= row; row *= 2, column /= 2) factor /= 2;
      if (column + row >= T(0.95) * sum || !std::isnormal(factor)) continue;
      a.row(i).tail(a.cols() - r.low) /= factor;
      a.col(i).head(r.high + 1) *= factor;
      changed = true;
    }
  }
}

template <class T>
struct Iteration {
  Square<T> h;  // upper Hessenberg
  std::vector<std::complex<double>>& values;
  Index low, high;

  static constexpr T kUlp = std::numeric_limits<T>::epsilon();
  T small() const {
    return std::numeric_limits<T>::min() * (static_cast<T>(high - low + 1) / kUlp);
  }

  // The first row of the block that ends in row i and that no negligible element splits.
  Index split(Index low_row, Index i) const {
    Index k = i;
    for (; k > low_row; --k) {
      const T below = std::abs(h(k, k - 1));
      if (below <= small()) break;
      T size = std::abs(h(k - 1, k - 1)) + std::abs(h(k, k));
      if (size == 0) {
        if (k - 2 >= low) size += std::abs(h(k - 1, k - 2));
        if (k + 1 <= high) size += std::abs(h(k + 1, k));
      }
      if (below > kUlp * size) continue;
      const T above = std::abs(h(k - 1, k)), own = std::abs(h(k, k)),
              gap = std::abs(h(k - 1, k - 1) - h(k, k));
      const T ab = std::max(below, above), ba = std::min(below, above), aa = std::max(own, gap),
              bb = std::min(own, gap), s = aa + ab;
      if (ba * (ab / s) <= std::max(small(), kUlp * (bb * (aa / s)))) break;
    }
    return k;
  }

  struct Shifts {
    T re1 = 0, im1 = 0, re2 = 0, im2 = 0;
  };
  // The eigenvalues of the last block of 2 x 2; of two real ones, the nearer twice. Every tenth
  // step something else, so that no cycle lasts.
  Shifts shifts(Index l, Index i, int steps) const {
    T h11 = h(i - 1, i - 1), h21 = h(i, i - 1), h12 = h(i - 1, i), h22 = h(i, i);
    if (steps % 10 == 0) {
      const bool end = steps % 20 == 0;
      const T s = end ? std::abs(h(i, i - 1)) + std::abs(h(i - 1, i - 2))
                      : std::abs(h(l + 1, l)) + std::abs(h(l + 2, l + 1));
      h11 = h22 = T(0.75) * s + (end ? h(i, i) : h(l, l));
      h12 = T(-0.4375) * s;
      h21 = s;
    }
    const T s = std::abs(h11) + std::abs(h12) + std::abs(h21) + std::abs(h22);
    if (s == 0) return {};
    h11 /= s;
    h21 /= s;
    h12 /= s;
    h22 /= s;
    const T mean = (h11 + h22) / 2, det = (h11 - mean) * (h22 - mean) - h12 * h21,
            root = std::sqrt(std::abs(det));
    if (det >= 0) return {mean * s, root * s, mean * s, -root * s};
    const T up = mean + root, down = mean - root;
    const T near = (std::abs(up - h22) <= std::abs(down - h22) ? up : down) * s;
    return {near, 0, near, 0};
  }

  // One QR step with two shifts on rows l .. i.
  void step(Index l, Index i, const Shifts& s) {
    std::array<T, 3> v{};
    Index m = i - 2;
    for (;; --m) {
      const T size = std::abs(h(m, m) - s.re2) + std::abs(s.im2) + std::abs(h(m + 1, m));
      const T next = h(m + 1, m) / size;
      v[0] = next * h(m, m + 1) + (h(m, m) - s.re1) * ((h(m, m) - s.re2) / size) -
             s.im1 * (s.im2 / size);
      v[1] = next * (h(m, m) + h(m + 1, m + 1) - s.re1 - s.re2);
      v[2] = next * h(m + 2, m + 1);
      const T sum = std::abs(v[0]) + std::abs(v[1]) + std::abs(v[2]);
      for (T& x : v) x /= sum;
      if (m == l) break;
      const T around = std::abs(h(m - 1, m - 1)) + std::abs(h(m, m)) + std::abs(h(m + 1, m + 1));
      if (std::abs(h(m, m - 1)) * (std::abs(v[1]) + std::abs(v[2])) <=
          kUlp * std::abs(v[0]) * around)
        break;
    }
    for (Index k = m; k < i; ++k) {
      const Index rows = std::min<Index>(3, i - k + 1);
      Eigen::Matrix<T, Eigen::Dynamic, 1> x(rows), tail(rows - 1);
      for (Index r = 0; r < rows; ++r) x[r] = k > m ? h(k + r, k - 1) : v[static_cast<size_t>(r)];
      T tau = 0, beta = 0;
      x.makeHouseholder(tail, tau, beta);
      if (k > m) {
        h(k, k - 1) = beta;
        for (Index r = 1; r < rows; ++r) h(k + r, k - 1) = 0;
      } else if (m > l) {
        h(k, k - 1) *= 1 - tau;
      }
      x[0] = 1;
      x.tail(rows - 1) = tail;
      auto right = h.block(k, k, rows, i - k + 1);
      right -= (tau * x * (x.transpose() * right).eval()).eval();
      auto above = h.block(l, k, std::min(k + 3, i) - l + 1, rows);
      above -= (tau * (above * x).eval() * x.transpose()).eval();
    }
  }

  // The eigenvalues of the block of 2 x 2 that ends in row i.
  void pair(Index i) {
    const T a = h(i - 1, i - 1), b = h(i - 1, i), c = h(i, i - 1), d = h(i, i);
    const auto at = static_cast<size_t>(i);
    if (c == 0 || b == 0) {
      values[at - 1] = c == 0 ? a : d;
      values[at] = c == 0 ? d : a;
      return;
    }
    const T half = (a - d) / 2, square = half * half + b * c, root = std::sqrt(std::abs(square));
    if (square >= 0) {
      const T z = half + std::copysign(root, half);
      values[at - 1] = d + z;
      values[at] = z == 0 ? d : d - b * c / z;
    } else {
      values[at - 1] = {(a + d) / 2, root};
      values[at] = {(a + d) / 2, -root};
    }
  }

  bool run() {
    const Index most = 30 * std::max<Index>(10, high - low + 1);
    for (Index i = high; i >= low;) {
      Index l = low;
      int steps = 0;
      for (Index turn = 0;; ++turn) {
        if (turn > most) return false;
        l = split(l, i);
        if (l > low) h(l, l - 1) = 0;
        if (l >= i - 1) break;
        step(l, i, shifts(l, i, ++steps));
      }
      if (l == i)
        values[static_cast<size_t>(i)] = h(i, i);
      else
        pair(i);
      i = l - 1;
    }
    return true;
  }
};

}  // namespace order

template <class T>
std::optional<std::vector<std::complex<double>>> lapack_eigenvalues(const Eigen::MatrixXd& matrix) {
  using namespace order;
  Square<T> a = matrix.cast<T>();
  const Range r = isolate(a);
  scale(a, r);
  std::vector<std::complex<double>> values(static_cast<size_t>(a.rows()));
  for (Index i = 0; i < a.rows(); ++i) values[static_cast<size_t>(i)] = a(i, i);
  const Index n = r.high - r.low + 1;
  if (n < 2) return values;
  if (n > 2) {
    const Square<T> active = a.block(r.low, r.low, n, n);
    a.block(r.low, r.low, n, n) = Eigen::HessenbergDecomposition<Square<T>>(active).matrixH();
  }
  Iteration<T> iteration{.h = std::move(a), .values = values, .low = r.low, .high = r.high};
  if (!iteration.run()) return std::nullopt;
  return values;
}

template std::optional<std::vector<std::complex<double>>> lapack_eigenvalues<float>(
    const Eigen::MatrixXd&);
template std::optional<std::vector<std::complex<double>>> lapack_eigenvalues<double>(
    const Eigen::MatrixXd&);

}  // namespace tenon::ops::ref_eigen
