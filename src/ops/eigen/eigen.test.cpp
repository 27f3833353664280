// Eigenvalues against NumPy's eigh and eig.
#include "ops/eigen/eigen.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using EigenTest = MatrixTest;

TEST_F(EigenTest, Types) {
  EXPECT_EQ(types(Eigh{}, {input({2, N, N})}, 2), "f64[2, N], f64[2, N, N]");
  EXPECT_EQ(types(Eig{}, {input({2, N, N})}, 2), "f64[2, N, 2], f64[2, N, N, 2]");
}

// The upper triangle is not read.
TEST_F(EigenTest, Symmetric) {
  const auto out = run(Eigh{}, {matrix({2, 2}, {2, 99, 1, 2})}, 2);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {1, 3});
  const auto v = (*out)[1].values<double>();
  const double root = std::sqrt(0.5);
  EXPECT_NEAR(std::abs(v[0]), root, 1e-12);
  EXPECT_NEAR(v[0] * v[2], -0.5, 1e-12);
  EXPECT_NEAR(v[1] * v[3], 0.5, 1e-12);
}

// A quarter turn: i and -i; the largest element of a vector is real.
TEST_F(EigenTest, Complex) {
  const auto out = run(Eig{}, {matrix({2, 2}, {0, -1, 1, 0})}, 2);
  ASSERT_TRUE(out);
  const auto w = (*out)[0].values<double>(), v = (*out)[1].values<double>();
  EXPECT_NEAR(w[0], 0, 1e-12);
  EXPECT_NEAR(w[1], 1, 1e-12);
  EXPECT_NEAR(w[3], -1, 1e-12);
  for (size_t k : {0, 1}) {  // (a v)_0 = -v_1 = w v_0
    const double re = v[2 * k], im = v[2 * k + 1], re1 = v[4 + 2 * k], im1 = v[4 + 2 * k + 1];
    EXPECT_NEAR(-re1, w[2 * k] * re - w[2 * k + 1] * im, 1e-12);
    EXPECT_NEAR(-im1, w[2 * k] * im + w[2 * k + 1] * re, 1e-12);
    EXPECT_NEAR(re * re + im * im + re1 * re1 + im1 * im1, 1, 1e-12);
  }
}

TEST_F(EigenTest, NotFinite) {
  EXPECT_FALSE(run(Eigh{}, {matrix({1, 1}, {std::nan("")})}, 2));
  EXPECT_FALSE(run(Eig{}, {matrix({1, 1}, {INFINITY})}, 2));
}

}  // namespace
}  // namespace tenon::ops
