#include "ops/cholesky/cholesky.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using CholeskyTest = MatrixTest;

TEST_F(CholeskyTest, Types) {
  EXPECT_EQ(types(Cholesky{}, {input({M, N, N})}, 2), "f64[M, N, N], i32[M]");
  EXPECT_NE(types(Cholesky{}, {input({2, 3})}, 2).find("not square"), std::string::npos);
}

// The upper triangle is not read.
TEST_F(CholeskyTest, Factor) {
  const auto out = run(Cholesky{}, {matrix({3, 3}, {4, 99, 99, 2, 10, 99, 6, 9, 14})}, 2);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {2, 0, 0, 1, 3, 0, 3, 2, 1});
  expect_ints((*out)[1], {0});
}

TEST_F(CholeskyTest, NotPositive) {
  const Tensor a = matrix({2, 2, 2}, {1, 0, 2, 1, -1, 0, 0, 1});
  const auto out = run(Cholesky{}, {a}, 2);
  ASSERT_TRUE(out);
  expect_ints((*out)[1], {2, 1});
  const auto checked = run(Cholesky{.check = true}, {a}, 2);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().why.find("minor of order 2"), std::string::npos);
}

}  // namespace
}  // namespace tenon::ops
