#include "numerics/sample.h"

#include <gtest/gtest.h>

namespace tenon::numerics {
namespace {

TEST(Quantile, InterpolatesBetweenSamples) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_EQ(quantile({3}, 0.99), 3);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0), 1);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 1), 4);
}

TEST(Ratio, IntervalHoldsTheMedianAndNarrowsWithMoreSamples) {
  std::vector<double> a, b;
  for (int i = 0; i < 400; ++i) {
    b.push_back(2);
    a.push_back(1 + 0.001 * (i % 20));
  }
  const RatioEstimate many = ratio(a, b);
  EXPECT_NEAR(many.median, 0.50475, 0.001);
  EXPECT_LE(many.low, many.median);
  EXPECT_GE(many.high, many.median);
  const RatioEstimate few = ratio(std::span(a).first(20), std::span(b).first(20));
  EXPECT_LT(many.high - many.low, few.high - few.low);
}

}  // namespace
}  // namespace tenon::numerics
