// Singular values against NumPy's svd.
#include "ops/svd/svd.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using SVDTest = MatrixTest;

TEST_F(SVDTest, Types) {
  EXPECT_EQ(types(SVD{}, {input({2, 5, 3})}, 3), "f64[2, 5, 3], f64[2, 3], f64[2, 3, 3]");
  EXPECT_EQ(types(SVD{.full = true}, {input({5, N})}, 3), "f64[5, 5], f64[min(N, 5)], f64[N, N]");
}

TEST_F(SVDTest, ValuesAndVectors) {
  const auto out = run(SVD{}, {matrix({2, 2}, {3, 0, 4, 5})}, 3);
  ASSERT_TRUE(out);
  expect_near((*out)[1], {6.708203932499, 2.2360679775}, 1e-9);
  const auto u = (*out)[0].values<double>(), v = (*out)[2].values<double>();
  EXPECT_NEAR(std::abs(u[0]), 0.316227766017, 1e-11);
  EXPECT_NEAR(u[0] * 6.708203932499 * v[0] + u[1] * 2.2360679775 * v[2], 3, 1e-9);
}

// The vectors that belong to no value complete the others.
TEST_F(SVDTest, Full) {
  const auto out = run(SVD{.full = true}, {matrix({3, 1}, {0, 3, 4})}, 3);
  ASSERT_TRUE(out);
  expect_near((*out)[1], {5});
  const auto u = (*out)[0].values<double>();
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(u[i] * u[k] + u[3 + i] * u[3 + k] + u[6 + i] * u[6 + k], i == k, 1e-12);
  }
  const auto empty = run(SVD{.full = true}, {matrix({2, 0}, {})}, 3);
  ASSERT_TRUE(empty);
  expect_near((*empty)[0], {1, 0, 0, 1});
}

TEST_F(SVDTest, LargeMatrix) {
  std::vector<double> values(200 * 150, 0.0);
  for (size_t i = 0; i < 150; ++i) values[i * 150 + i] = static_cast<double>(i + 1);
  const auto out = run(SVD{}, {matrix({200, 150}, values)}, 3);
  ASSERT_TRUE(out);
  EXPECT_NEAR((*out)[1].values<double>()[0], 150, 1e-10);
  EXPECT_NEAR((*out)[1].values<double>()[149], 1, 1e-10);
}

TEST_F(SVDTest, NotFinite) { EXPECT_FALSE(run(SVD{}, {matrix({1, 1}, {std::nan("")})}, 3)); }

}  // namespace
}  // namespace tenon::ops
