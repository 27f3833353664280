// The exponential against SciPy's expm.
#include "ops/matrix_exp/matrix_exp.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using MatrixExpTest = MatrixTest;

TEST_F(MatrixExpTest, Types) {
  EXPECT_EQ(types(MatrixExp{}, {input({2, N, N})}, 1), "f64[2, N, N]");
}

TEST_F(MatrixExpTest, Values) {
  const auto out = run(MatrixExp{}, {matrix({2, 2, 2}, {0, 1, -1, 0, 1, 2, 3, 4})}, 1);
  ASSERT_TRUE(out);
  expect_near((*out)[0],
              {0.540302305868, 0.841470984808, -0.841470984808, 0.540302305868, 51.968956198705,
               74.736564567003, 112.104846850505, 164.073803049210},
              1e-9);
}

TEST_F(MatrixExpTest, NotFinite) {
  const auto out = run(MatrixExp{}, {matrix({1, 1}, {INFINITY})}, 1);
  ASSERT_TRUE(out);
  EXPECT_TRUE(std::isnan((*out)[0].values<double>()[0]));
}

}  // namespace
}  // namespace tenon::ops
