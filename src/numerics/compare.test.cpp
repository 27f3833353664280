#include "numerics/compare.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/half.h"

namespace tenon::numerics {
namespace {

Tensor floats(std::vector<float> values) {
  return Tensor::of<float>(DType::f32, {static_cast<int64_t>(values.size())}, values);
}
Tensor ints(std::vector<int64_t> values) { return Tensor::vector_i64(values); }

TEST(Compare, TheLimitIsOverTheLargestMagnitude) {
  const Tensor reference = floats({1, -100, 0.001f});
  const Difference near = compare(floats({1.009f, -100, 0.01f}), reference, {0, 1e-4});
  EXPECT_EQ(near.verdict, Verdict::pass);
  EXPECT_NEAR(near.error, 0.009, 1e-6);
  EXPECT_NEAR(near.limit, 0.01, 1e-9);
  EXPECT_NEAR(near.relative(), 0.009 / 100, 1e-8);
  const Difference far = compare(floats({1, -100.02f, 0.001f}), reference, {0, 1e-4});
  EXPECT_EQ(far.verdict, Verdict::diverges);
  EXPECT_EQ(far.at, Dims{1});
}

TEST(Compare, AtolIsAddedToTheLimit) {
  const Tensor reference = floats({0, 2});
  EXPECT_EQ(compare(floats({0.5f, 2}), reference, {0.4, 0.1}).verdict, Verdict::pass);
  EXPECT_EQ(compare(floats({0.5f, 2}), reference, {0.4, 0}).verdict, Verdict::diverges);
}

TEST(Compare, ShapesAndTypesHaveToBeTheSame) {
  const Tensor reference = floats({1, 2});
  EXPECT_EQ(compare(reference.reshaped({2, 1}), reference, {}).verdict, Verdict::diverges);
  EXPECT_EQ(compare(ints({1, 2}), reference, {}).verdict, Verdict::diverges);
}

TEST(Compare, IntegersAreEqualUnlessAnAtolIsGiven) {
  const Tensor reference = ints({50000, 7});
  EXPECT_EQ(compare(ints({50001, 7}), reference, {0, 1e-2}).verdict, Verdict::diverges);
  EXPECT_EQ(compare(ints({50001, 7}), reference, {1, 0}).verdict, Verdict::pass);
}

TEST(Compare, WhatIsNotFiniteStandsInTheSamePlaces) {
  const Tensor reference = floats({1, NAN, INFINITY, 2});
  EXPECT_EQ(compare(reference, reference, {}).verdict, Verdict::pass);
  EXPECT_EQ(compare(floats({1, 0, INFINITY, 2}), reference, {}).verdict, Verdict::diverges);
  EXPECT_EQ(compare(floats({1, NAN, -INFINITY, 2}), reference, {}).verdict, Verdict::diverges);
  EXPECT_EQ(compare(floats({1, NAN, INFINITY, NAN}), reference, {}).verdict, Verdict::diverges);
}

TEST(Compare, HalvesAreComparedAsNumbers) {
  const uint16_t one = float_to_f16(1), two = float_to_f16(2), near = float_to_f16(2.004f);
  const auto half = [](std::vector<uint16_t> v) {
    return Tensor::of<uint16_t>(DType::f16, {2}, v);
  };
  EXPECT_EQ(compare(half({one, near}), half({one, two}), default_tolerance(DType::f16)).verdict,
            Verdict::pass);
  EXPECT_EQ(compare(half({one, near}), half({one, two}), {0, 1e-4}).verdict, Verdict::diverges);
}

TEST(Compare, ReferencesThatProveNothingAreInconclusive) {
  const Tensor cases[] = {floats({}), floats({3, 3, 3}), floats({0, 1, 1}), floats({NAN, NAN}),
                          floats({0, 0})};
  for (const Tensor& reference : cases) {
    const Difference same = compare(reference, reference, {});
    EXPECT_EQ(same.verdict, Verdict::inconclusive) << reference.count();
    EXPECT_FALSE(same.reason.empty());
  }
  EXPECT_EQ(compare(floats({0.1f, 0}), floats({0, 0}), {}).verdict, Verdict::diverges);
  EXPECT_EQ(compare(floats({5}), floats({5}), {}).verdict, Verdict::pass);
}

TEST(Tolerances, ByNameByPositionAndForAll) {
  const auto options = parse_tolerances("boxes:0.5", "1e-3,output_1:1e-2");
  ASSERT_TRUE(options) << options.error().message();
  const Tolerance scores = tolerance_of(*options, "scores", 0, DType::f32);
  EXPECT_EQ(scores.atol, 0);
  EXPECT_EQ(scores.rtol, 1e-3);
  const Tolerance boxes = tolerance_of(*options, "boxes", 1, DType::f32);
  EXPECT_EQ(boxes.atol, 0.5);
  EXPECT_EQ(boxes.rtol, 1e-2);
  EXPECT_EQ(tolerance_of({}, "x", 0, DType::bf16).rtol, 5e-2);
}

TEST(Tolerances, SayWhatIsWrong) {
  for (const char* text : {"boxes", "boxes:", "-1", "nan", "1e-3,x:inf"}) {
    const auto options = parse_tolerances("", text);
    ASSERT_FALSE(options) << text;
    EXPECT_EQ(options.error().kind, ErrorKind::usage);
    EXPECT_FALSE(options.error().hint.empty());
  }
}

}  // namespace
}  // namespace tenon::numerics
