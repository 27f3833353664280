// LU against SciPy's lu_factor.
#include "ops/lu/lu.h"

#include "ops/common/matrix_testing.h"
#include "ops/det/det.h"

namespace tenon::ops {
namespace {

using LUTest = MatrixTest;

TEST_F(LUTest, Types) {
  EXPECT_EQ(types(LU{}, {input({2, 3, 5})}, 3), "f64[2, 3, 5], i32[2, 3], i32[2]");
  EXPECT_EQ(types(LU{}, {input({N, N}, DType::f32)}, 3), "f32[N, N], i32[N], i32[]");
  EXPECT_EQ(types(LU{}, {input({3, 3}, DType::f16)}, 3), "input 0 is of type f16, not f32 or f64");
  ir::Value* p = input({2, 3}, DType::i32);
  EXPECT_EQ(types(PivotsToPermutation{}, {p, b.scalar_int(5)}, 1), "i64[2, 5]");
  EXPECT_EQ(types(PivotsToPermutation{}, {p, b.dim(N)}, 1), "i64[2, N]");
  EXPECT_EQ(types(Det{}, {input({N, 3, 3})}, 1), "f64[N]");
  EXPECT_NE(types(Det{}, {input({2, 3})}, 1).find("not square"), std::string::npos);
}

TEST_F(LUTest, Factors) {
  const auto out = run(LU{}, {matrix({3, 3}, {2, 1, 1, 4, 3, 3, 8, 7, 9})}, 3);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {8, 7, 9, 0.25, -0.75, -1.25, 0.5, 2.0 / 3, -2.0 / 3});
  expect_ints((*out)[1], {3, 3, 3});
  expect_ints((*out)[2], {0});
}

TEST_F(LUTest, WithoutFullRank) {
  const auto out = run(LU{}, {matrix({2, 2, 3}, {1, 2, 3, 2, 4, 6, 0, 0, 1, 0, 2, 0})}, 3);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {2, 4, 6, 0.5, 0, 0, 0, 0, 1, 0, 2, 0});
  expect_ints((*out)[1], {2, 2, 1, 2});
  expect_ints((*out)[2], {2, 1});
}

TEST_F(LUTest, Permutation) {
  const Tensor rows = Tensor::scalar_i64(4);
  auto out = run(PivotsToPermutation{}, {pivots({2, 3}, {3, 3, 3, 1, 2, 4}), rows}, 1);
  ASSERT_TRUE(out);
  const auto got = (*out)[0].values<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(got.begin(), got.end()),
            (std::vector<int64_t>{2, 0, 1, 3, 0, 1, 3, 2}));
  EXPECT_FALSE(run(PivotsToPermutation{}, {pivots({1}, {5}), rows}, 1));
  EXPECT_FALSE(run(PivotsToPermutation{}, {pivots({1}, {0}), rows}, 1));
}

TEST_F(LUTest, Determinant) {
  const auto out = run(Det{}, {matrix({2, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0})}, 1);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {-2, -1});
  const auto empty = run(Det{}, {matrix({0, 0}, {})}, 1);
  ASSERT_TRUE(empty);
  expect_near((*empty)[0], {1});
}

}  // namespace
}  // namespace tenon::ops
