// Systems of equations against NumPy's solve and lstsq.
#include "ops/solve/solve.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using SolveTest = MatrixTest;

TEST_F(SolveTest, Types) {
  EXPECT_EQ(types(Solve{}, {input({M, 3, 3}), input({M, 3, N})}, 2), "f64[M, 3, N], i32[M]");
  EXPECT_EQ(types(TriangularSolve{}, {input({3, 3}), input({3, 0})}, 1), "f64[3, 0]");
  EXPECT_EQ(types(LeastSquares{}, {input({5, N}), input({5, 2})}, 4),
            "f64[N, 2], f64[2], i64[], f64[min(N, 5)]");
  EXPECT_NE(types(Solve{}, {input({3, 3}), input({2, 1})}, 2).find("rows"), std::string::npos);
  EXPECT_NE(types(Solve{}, {input({2, 3, 3}), input({4, 3, 1})}, 2).find("batches"),
            std::string::npos);
}

TEST_F(SolveTest, Regular) {
  const auto out =
      run(Solve{}, {matrix({3, 3}, {2, 1, 1, 4, 3, 3, 8, 7, 9}), matrix({3, 1}, {1, 2, 3})}, 2);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {0.5, 0.5, -0.5});
  expect_ints((*out)[1], {0});
}

TEST_F(SolveTest, Singular) {
  const std::vector<Tensor> in = {matrix({2, 2}, {1, 2, 2, 4}), matrix({2, 1}, {1, 1})};
  const auto out = run(Solve{}, in, 2);
  ASSERT_TRUE(out);
  expect_ints((*out)[1], {2});
  const auto checked = run(Solve{.check = true}, in, 2);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().why.find("singular"), std::string::npos);
}

TEST_F(SolveTest, Triangles) {
  const Tensor a = matrix({2, 2}, {2, 3, 5, 4}), x = matrix({2, 1}, {4, 8});
  const auto solved = [&](bool unit, bool upper) {
    auto out = run(TriangularSolve{.unit = unit, .upper = upper}, {a, x}, 1);
    return out ? (*out)[0] : Tensor();
  };
  expect_near(solved(false, false), {2, -0.5});
  expect_near(solved(false, true), {-1, 2});
  expect_near(solved(true, false), {4, -12});
  expect_near(solved(true, true), {-20, 8});
}

TEST_F(SolveTest, LeastSquares) {
  const std::vector<Tensor> in = {matrix({3, 2}, {1, 0, 1, 1, 1, 2}), matrix({3, 1}, {6, 0, 0})};
  for (const char* driver : {"gels", "gelsy", "gelsd", "gelss"}) {
    const auto out = run(LeastSquares{.driver = driver, .rcond = 1e-12}, in, 4);
    ASSERT_TRUE(out) << driver;
    expect_near((*out)[0], {5, -3});
    expect_near((*out)[1], {6});
    EXPECT_EQ((*out)[2].values<int64_t>()[0], 2);
    if (std::string_view(driver).ends_with("d"))
      expect_near((*out)[3], {2.676243198995, 0.915271730052}, 1e-9);
  }
}

// Of all solutions the shortest one; gels takes a full rank for granted.
TEST_F(SolveTest, LeastSquaresOfLowerRank) {
  const std::vector<Tensor> in = {matrix({2, 2}, {1, 1, 1, 1}), matrix({2, 1}, {2, 2})};
  const auto out = run(LeastSquares{.rcond = 1e-12}, in, 4);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {1, 1});
  EXPECT_EQ((*out)[2].values<int64_t>()[0], 1);
  EXPECT_FALSE(run(LeastSquares{.driver = "gels"}, in, 4));
}

}  // namespace
}  // namespace tenon::ops
