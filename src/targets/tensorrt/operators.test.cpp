#include "targets/tensorrt/operators.h"

#include <gtest/gtest.h>

namespace tenon::tensorrt {
namespace {

const OperatorRow* row(std::string_view op, std::string_view target) {
  return find_operator(op, *parse_release(target));
}

TEST(Operators, ARowHoldsUntilTheNext) {
  EXPECT_EQ(row("LayerNormalization", "tensorrt:8.5.3"), nullptr);
  ASSERT_NE(row("LayerNormalization", "tensorrt:8.6"), nullptr);
  EXPECT_EQ(row("LayerNormalization", "tensorrt:8.6.1")->types, kF32 | kF16);
  EXPECT_EQ(row("LayerNormalization", "tensorrt:10.3")->types, kF32 | kF16 | kBF16);
  EXPECT_EQ(row("NoSuchOperator", "tensorrt"), nullptr);
}

TEST(Operators, ChangesBetweenTablesStandAtTheirRelease) {
  EXPECT_EQ(row("STFT", "tensorrt:10.4"), nullptr);
  EXPECT_NE(row("STFT", "tensorrt:10.5"), nullptr);
  EXPECT_EQ(row("HannWindow", "tensorrt:10.3"), nullptr);
  EXPECT_NE(row("HannWindow", "tensorrt:10.4"), nullptr);
  EXPECT_EQ(row("Slice", "tensorrt:10.2")->restriction, "constant axes");
  EXPECT_EQ(row("Slice", "tensorrt:10.3")->restriction, "");
}

TEST(Operators, WhatWasMeasuredDecidesForRtx) {
  EXPECT_NE(row("NonZero", "tensorrt"), nullptr);
  EXPECT_EQ(row("NonZero", "tensorrt-rtx"), nullptr);
  EXPECT_EQ(row("HardSwish", "tensorrt-rtx")->types, kF32 | kF16);
  EXPECT_NE(row("Swish", "tensorrt-rtx"), nullptr);
  EXPECT_EQ(row("Det", "tensorrt-rtx"), nullptr);
}

TEST(Operators, FirstReleaseOfEach) {
  EXPECT_EQ(first_release("GridSample", Family::tensorrt), (Version{8, 5, 0}));
  EXPECT_EQ(first_release("Attention", Family::tensorrt), (Version{10, 14, 0}));
  EXPECT_EQ(first_release("Det", Family::tensorrt), std::nullopt);
}

TEST(Operators, SetsOfTypes) {
  EXPECT_EQ(to_string(kF32 | kI64 | kBool), "f32, i64, bool");
  EXPECT_EQ(type_set(DType::f64), 0);
  EXPECT_EQ(type_set(DType::bf16), kBF16);
}

}  // namespace
}  // namespace tenon::tensorrt
