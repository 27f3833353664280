#include "ops/next_after/next_after.h"

#include <gmock/gmock.h>

#include <limits>

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using testing::ElementsAre;
using NextAfterTest = OperatorTest;

TEST_F(NextAfterTest, SingleAndDoublePrecision) {
  const float nan = std::nanf(""), denormal = std::numeric_limits<float>::denorm_min();
  const auto out =
      run(NextAfter{}, {floats({6}, {1, 1, 0, 0, 3, nan}), floats({6}, {2, 0, -1, 1, 3, 1})});
  ASSERT_EQ(out.size(), 1u) << why;
  expect_near(list<float>(out[0]), {1 + 0x1p-23f, 1 - 0x1p-24f, -denormal, denormal, 3, nan}, 0);
  EXPECT_THAT(list<double>(run(NextAfter{}, {doubles({1}), doubles({2})})[0]),
              ElementsAre(1 + 0x1p-52));
}

TEST_F(NextAfterTest, HalvesStepThroughTheirOwnPatterns) {
  auto half = [](DType type, std::vector<uint16_t> patterns) {
    return Tensor::of<uint16_t>(type, {static_cast<int64_t>(patterns.size())}, patterns);
  };
  // 1 -> 2, 1 -> 0, 0 -> -1, -1 -> 0, the largest -> infinity
  const auto f16 = run(NextAfter{}, {half(DType::f16, {0x3c00, 0x3c00, 0x0000, 0xbc00, 0x7bff}),
                                     half(DType::f16, {0x4000, 0x0000, 0xbc00, 0x0000, 0x7c00})});
  ASSERT_EQ(f16.size(), 1u) << why;
  EXPECT_THAT(list<uint16_t>(f16[0]), ElementsAre(0x3c01, 0x3bff, 0x8001, 0xbbff, 0x7c00));
  const auto bf16 = run(NextAfter{}, {half(DType::bf16, {0x3f80}), half(DType::bf16, {0x4000})});
  ASSERT_EQ(bf16.size(), 1u) << why;
  EXPECT_THAT(list<uint16_t>(bf16[0]), ElementsAre(0x3f81));
}

TEST_F(NextAfterTest, TakesFloatsOnly) {
  EXPECT_TRUE(run(NextAfter{}, {integers({1}, {1}), integers({1}, {2})}).empty());
}

}  // namespace
}  // namespace tenon::ops
