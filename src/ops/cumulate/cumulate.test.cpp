#include "ops/cumulate/cumulate.h"

#include <gmock/gmock.h>

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using testing::ElementsAre;
using CumulateTest = OperatorTest;

TEST_F(CumulateTest, ExtremesAndTheirPlaces) {
  const float nan = std::nanf("");
  auto out = run(Cumulate{.function = "max", .axis = 0}, {floats({6}, {1, 3, 2, 3, nan, 5})}, 2);
  ASSERT_EQ(out.size(), 2u) << why;
  expect_near(list<float>(out[0]), {1, 3, 3, 3, nan, nan}, 0);
  EXPECT_THAT(list<int64_t>(out[1]), ElementsAre(0, 1, 1, 3, 4, 4));
  EXPECT_THAT(types, ElementsAre("f32[6]", "i64[6]"));

  out = run(Cumulate{.function = "min", .axis = -1}, {integers({2, 3}, {4, 2, 3, -1, -1, 0})}, 2);
  ASSERT_EQ(out.size(), 2u) << why;
  EXPECT_THAT(list<int64_t>(out[0]), ElementsAre(4, 2, 2, -1, -1, -1));
  EXPECT_THAT(list<int64_t>(out[1]), ElementsAre(0, 1, 1, 0, 1, 1));
}

TEST_F(CumulateTest, ProductsAlongAnInnerAxis) {
  const auto out =
      run(Cumulate{.function = "product", .axis = 0}, {integers({3, 2}, {2, 3, 5, 7, 11, -13})});
  ASSERT_EQ(out.size(), 1u) << why;
  EXPECT_THAT(list<int64_t>(out[0]), ElementsAre(2, 3, 10, 21, 110, -273));
}

TEST_F(CumulateTest, LogarithmsOfSums) {
  const double inf = HUGE_VAL;
  const auto out = run(Cumulate{.function = "logsumexp"}, {doubles({-inf, 0, 0, 1000, inf, inf})});
  ASSERT_EQ(out.size(), 1u) << why;
  expect_near(list<double>(out[0]), {-inf, 0, std::log(2.0), 1000, inf, inf}, 1e-15);
}

TEST_F(CumulateTest, NoElementsAndWhatItRefuses) {
  EXPECT_EQ(run(Cumulate{.axis = 1}, {floats({2, 0}, {})})[0].shape(), (Dims{2, 0}));
  EXPECT_TRUE(run(Cumulate{.function = "sum"}, {floats({1}, {1})}).empty());
  EXPECT_TRUE(run(Cumulate{.function = "product"}, {floats({1}, {1})}, 2).empty());
  EXPECT_TRUE(run(Cumulate{.function = "logsumexp"}, {integers({1}, {1})}).empty());
  EXPECT_TRUE(run(Cumulate{.axis = 1}, {floats({1}, {1})}).empty());
}

}  // namespace
}  // namespace tenon::ops
