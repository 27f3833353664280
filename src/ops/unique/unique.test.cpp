#include "ops/unique/unique.h"

#include <gmock/gmock.h>

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using testing::ElementsAre;
using UniqueTest = OperatorTest;

// The examples of the operator's specification.
TEST_F(UniqueTest, InTheOrderOfTheTensor) {
  const auto out = run(Unique{.sorted = false}, {floats({6}, {2, 1, 1, 3, 4, 3})}, 4);
  ASSERT_EQ(out.size(), 4u) << why;
  EXPECT_THAT(list<float>(out[0]), ElementsAre(2, 1, 3, 4));
  EXPECT_THAT(list<int64_t>(out[1]), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(list<int64_t>(out[2]), ElementsAre(0, 1, 1, 2, 3, 2));
  EXPECT_THAT(list<int64_t>(out[3]), ElementsAre(1, 2, 2, 1));
}

TEST_F(UniqueTest, RowsAndColumns) {
  auto out = run(Unique{.axis = 0}, {floats({3, 3}, {1, 0, 0, 1, 0, 0, 2, 3, 4})}, 4);
  ASSERT_EQ(out.size(), 4u) << why;
  EXPECT_EQ(out[0].shape(), (Dims{2, 3}));
  EXPECT_THAT(list<float>(out[0]), ElementsAre(1, 0, 0, 2, 3, 4));
  EXPECT_THAT(list<int64_t>(out[1]), ElementsAre(0, 2));
  EXPECT_THAT(list<int64_t>(out[2]), ElementsAre(0, 0, 1));
  EXPECT_THAT(list<int64_t>(out[3]), ElementsAre(2, 1));

  out = run(Unique{.axis = 1},
            {floats({2, 4, 2}, {1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1})}, 4);
  ASSERT_EQ(out.size(), 4u) << why;
  EXPECT_EQ(out[0].shape(), (Dims{2, 3, 2}));
  EXPECT_THAT(list<float>(out[0]), ElementsAre(0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1));
  EXPECT_THAT(list<int64_t>(out[1]), ElementsAre(1, 0, 2));
  EXPECT_THAT(list<int64_t>(out[2]), ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(list<int64_t>(out[3]), ElementsAre(2, 1, 1));
}

TEST_F(UniqueTest, NumbersThatAreNoneAreAllDifferent) {
  const float nan = std::nanf("");
  const auto out = run(Unique{}, {floats({4}, {nan, 2, nan, 1})}, 4);
  ASSERT_EQ(out.size(), 4u) << why;
  expect_near(list<float>(out[0]), {1, 2, nan, nan}, 0);
  EXPECT_THAT(list<int64_t>(out[2]), ElementsAre(2, 1, 3, 0));
}

TEST_F(UniqueTest, NothingAndOneNumber) {
  EXPECT_EQ(run(Unique{}, {floats({0}, {})})[0].shape(), (Dims{0}));
  EXPECT_THAT(list<float>(run(Unique{}, {floats({}, {7})})[0]), ElementsAre(7));
}

}  // namespace
}  // namespace tenon::ops
