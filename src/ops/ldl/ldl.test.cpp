// LDL against LAPACK's dsytrf, through SciPy.
#include "ops/ldl/ldl.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using LDLTest = MatrixTest;

TEST_F(LDLTest, Types) {
  EXPECT_EQ(types(LDL{}, {input({2, N, N})}, 3), "f64[2, N, N], i32[2, N], i32[2]");
  EXPECT_EQ(types(LDLSolve{}, {input({3, 3}), input({3}, DType::i32), input({3, N})}, 1),
            "f64[3, N]");
}

TEST_F(LDLTest, BlockOfTwo) {
  const auto out = run(LDL{}, {matrix({3, 3}, {0, 1, 2, 1, 0, 3, 2, 3, 0})}, 3);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {0, 0, 0, 2, 0, 0, 1.5, 0.5, -3});
  expect_ints((*out)[1], {-3, -3, 3});
  expect_ints((*out)[2], {0});
  const auto x = run(LDLSolve{}, {(*out)[0], (*out)[1], matrix({3, 1}, {8, 10, 8})}, 1);
  ASSERT_TRUE(x);
  expect_near((*x)[0], {1, 2, 3});
}

TEST_F(LDLTest, ZeroColumn) {
  const auto out = run(LDL{}, {matrix({2, 2}, {0, 0, 0, 1})}, 3);
  ASSERT_TRUE(out);
  expect_ints((*out)[2], {1});
}

TEST_F(LDLTest, PivotsOfNoFactorisation) {
  const Tensor ld = matrix({2, 2}, {1, 0, 0, 1}), x = matrix({2, 1}, {1, 1});
  for (const std::vector<int32_t>& bad : {std::vector{0, 1}, {3, 1}, {1, -2}, {-1, -2}})
    EXPECT_FALSE(run(LDLSolve{}, {ld, pivots({2}, bad), x}, 1));
}

}  // namespace
}  // namespace tenon::ops
