// Values computed by mpmath.
#include "ops/orthogonal_polynomial/orthogonal_polynomial.h"

#include <gmock/gmock.h>

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

struct PolynomialTest : OperatorTest {
  double value(const std::string& family, double x, double n) {
    const auto out = run(OrthogonalPolynomial{.family = family}, {doubles({x}), doubles({n})});
    return out.empty() ? std::nan("") : list<double>(out[0])[0];
  }
};

TEST_F(PolynomialTest, Recurrences) {
  EXPECT_NEAR(value("chebyshev_t", 1.25, 4), 8.03125, 1e-12);
  EXPECT_NEAR(value("chebyshev_u", 1.25, 4), 21.3125, 1e-12);
  EXPECT_NEAR(value("hermite_h", 1.25, 5), -64.84375, 1e-12);
  EXPECT_NEAR(value("hermite_he", 1.25, 5), 2.2705078125, 1e-12);
  EXPECT_NEAR(value("laguerre_l", 1.25, 5), -0.209513346354, 1e-12);
  EXPECT_NEAR(value("legendre_p", 1.25, 5), 9.28649902344, 1e-11);
}

TEST_F(PolynomialTest, ByAngle) {
  EXPECT_NEAR(value("chebyshev_t", 0.3, 20), 0.982130131055, 1e-11);
  EXPECT_NEAR(value("chebyshev_u", 0.3, 20), 1.04131726686, 1e-11);
  EXPECT_NEAR(value("chebyshev_v", 0.3, 20), 0.844026814179, 1e-11);
  EXPECT_NEAR(value("chebyshev_w", 0.3, 20), 1.23860771954, 1e-11);
}

TEST_F(PolynomialTest, Shifted) {
  EXPECT_NEAR(value("shifted_chebyshev_t", 0.3, 3), 0.944, 1e-12);
  EXPECT_NEAR(value("shifted_chebyshev_u", 0.3, 3), 1.088, 1e-12);
  EXPECT_NEAR(value("shifted_chebyshev_v", 0.3, 3), 1.448, 1e-12);
  EXPECT_NEAR(value("shifted_chebyshev_w", 0.3, 3), 0.728, 1e-12);
}

TEST_F(PolynomialTest, EndsAndDegrees) {
  EXPECT_EQ(value("chebyshev_u", 1, 3), 4);
  EXPECT_EQ(value("chebyshev_u", -1, 3), -4);
  EXPECT_EQ(value("chebyshev_v", -1, 3), -7);
  EXPECT_EQ(value("chebyshev_w", 1, 3), 7);
  EXPECT_EQ(value("legendre_p", -1, 3), -1);
  EXPECT_EQ(value("laguerre_l", 0, 9), 1);
  EXPECT_EQ(value("legendre_p", 0.5, -2), 0);
  EXPECT_EQ(value("chebyshev_t", 0.5, 1.9), 0.5);  // truncated
  EXPECT_EQ(value("chebyshev_t", 0.5, -0.5), 1);
  EXPECT_EQ(value("hermite_h", 0.5, HUGE_VAL), 0);
  EXPECT_TRUE(std::isnan(value("hermite_h", 0.5, 513)));
  EXPECT_TRUE(std::isnan(value("jacobi", 0.5, 1)));
  EXPECT_NE(why.find("no family"), std::string::npos);
}

}  // namespace
}  // namespace tenon::ops
