// QR against SciPy's qr(mode="raw").
#include "ops/qr/qr.h"

#include "ops/common/matrix_testing.h"

namespace tenon::ops {
namespace {

using QRTest = MatrixTest;

TEST_F(QRTest, Types) {
  EXPECT_EQ(types(QR{}, {input({2, N, 3})}, 2), "f64[2, N, 3], f64[2, min(N, 3)]");
  EXPECT_EQ(types(HouseholderProduct{}, {input({N, 3}), input({2})}, 1), "f64[N, 3]");
  EXPECT_NE(types(HouseholderProduct{}, {input({4, 3}), input({2, 2})}, 1).find("batches"),
            std::string::npos);
}

TEST_F(QRTest, Packed) {
  const auto out = run(QR{}, {matrix({3, 2}, {2, 1, 4, 3, 8, 7})}, 2);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {-9.165151389912, -7.63762615826, 0.358257569496, 0.816496580928,
                          0.716515138991, -0.890249867162});
  expect_near((*out)[1], {1.218217890236, 1.115732209879});
}

TEST_F(QRTest, NothingToReflect) {
  const auto out = run(QR{}, {matrix({2, 2}, {-3, 1, 0, 2})}, 2);
  ASSERT_TRUE(out);
  expect_near((*out)[0], {-3, 1, 0, 2});
  expect_near((*out)[1], {0, 0});
}

TEST_F(QRTest, Product) {
  const auto packed = run(QR{}, {matrix({3, 2}, {2, 1, 4, 3, 8, 7})}, 2);
  ASSERT_TRUE(packed);
  const auto out = run(HouseholderProduct{}, {(*packed)[0], (*packed)[1]}, 1);
  ASSERT_TRUE(out);
  // Orthonormal columns; the first is the matrix's own, divided by -9.165.
  const auto q = (*out)[0].values<double>();
  for (size_t i : {0, 1}) {
    for (size_t k : {0, 1}) {
      const double dot = q[i] * q[k] + q[2 + i] * q[2 + k] + q[4 + i] * q[4 + k];
      EXPECT_NEAR(dot, i == k, 1e-12);
    }
  }
  EXPECT_NEAR(q[0], -2 / 9.165151389912, 1e-11);
  EXPECT_FALSE(
      run(HouseholderProduct{}, {matrix({2, 3}, std::vector<double>(6)), matrix({2}, {0, 0})}, 1));
}

}  // namespace
}  // namespace tenon::ops
