#include "ir/dim.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tenon::ir {
namespace {

const Dim N = Dim::symbol("N"), H = Dim::symbol("H"), W = Dim::symbol("W");

TEST(Dim, EqualPolynomialsAreEqual) {
  EXPECT_EQ((N + H) * (N - H), N * N - H * H);
  EXPECT_EQ(Dim(2) * N + Dim(3) - N, N + Dim(3));
  EXPECT_EQ(N * H, H * N);
  EXPECT_FALSE(N == H);
  EXPECT_EQ((N - N).constant(), 0);
  EXPECT_EQ((N * H * W).str(), (W * N * H).str());
}

TEST(Dim, DividesExactlyWhereItCan) {
  EXPECT_EQ(floordiv(Dim(6) * N, Dim(3)), Dim(2) * N);
  EXPECT_EQ(floordiv(N * H * W, N * W), H);
  EXPECT_EQ(floordiv(Dim(2) * N + Dim(7), Dim(2)), N + Dim(3));
  EXPECT_EQ(floordiv(N + Dim(7), Dim(2)), floordiv(N + Dim(1), Dim(2)) + Dim(3));
  EXPECT_EQ(mod(Dim(4) * N + Dim(6), Dim(4)), Dim(2));
  EXPECT_EQ(mod(N * H, H), Dim(0));
  EXPECT_EQ(floordiv(Dim(-7), Dim(2)), Dim(-4));  // towards minus infinity
  EXPECT_EQ(mod(Dim(-7), Dim(2)), Dim(1));
}

TEST(Dim, OrdersMinimumAndMaximum) {
  EXPECT_EQ(min(N, N + Dim(3)), N);
  EXPECT_EQ(max(N, N + Dim(3)), N + Dim(3));
  EXPECT_EQ(min(N, H), min(H, N));
  EXPECT_EQ(min(N, min(N, H)), min(N, H));
  EXPECT_EQ(max(max(N, H), H), max(N, H));
}

TEST(Dim, EvaluatesOrSaysWhatIsMissing) {
  EXPECT_EQ(*(N * H + Dim(1)).evaluate({{"N", 3}, {"H", 5}}), 16);
  const auto unknown = (N + W).evaluate({{"N", 3}});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().why.find("'W'"), std::string::npos);
  EXPECT_FALSE(floordiv(N, H).evaluate({{"N", 1}, {"H", 0}}));
}

TEST(Dim, RelationsFollowFromRanges) {
  const Ranges ranges{{"N", {1, 8}}, {"H", {32, Interval::kMax}}};
  EXPECT_EQ(less_equal(N, H, ranges), Truth::yes);
  EXPECT_EQ(less_equal(H, N, ranges), Truth::no);
  EXPECT_EQ(less_equal(N, Dim(4), ranges), Truth::unknown);
  EXPECT_EQ(equal(N + Dim(0), N, ranges), Truth::yes);
  EXPECT_EQ(equal(floordiv(H, Dim(32)), Dim(0), ranges), Truth::no);
}

// A random expression over N, H and W, with the value that it has at the bindings.
struct Expression {
  Dim dim;
  int64_t value;
};

int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

Expression random_expression(const Bindings& at, int depth) {
  const int kind = *rc::gen::inRange(0, depth == 0 ? 4 : 11);
  if (kind == 0) {
    const int64_t v = *rc::gen::inRange(-9, 10);
    return {Dim(v), v};
  }
  if (kind < 4) {
    const char* name = kind == 1 ? "N" : kind == 2 ? "H" : "W";
    return {Dim::symbol(name), at.find(name)->second};
  }
  const Expression a = random_expression(at, depth - 1), b = random_expression(at, depth - 1);
  const int64_t divisor = *rc::gen::inRange(1, 7);
  switch (kind) {
    case 4:
      return {a.dim + b.dim, a.value + b.value};
    case 5:
      return {a.dim - b.dim, a.value - b.value};
    case 6:
      return {a.dim * b.dim, a.value * b.value};
    case 7:
      return {floordiv(a.dim, Dim(divisor)), floor_div(a.value, divisor)};
    case 8:
      return {mod(a.dim, Dim(divisor)), a.value - floor_div(a.value, divisor) * divisor};
    case 9:
      return {min(a.dim, b.dim), std::min(a.value, b.value)};
    default:
      return {max(a.dim, b.dim), std::max(a.value, b.value)};
  }
}

RC_GTEST_PROP(DimProperty, NormalFormKeepsTheValue, ()) {
  Bindings at;
  for (const char* name : {"N", "H", "W"}) at[name] = *rc::gen::inRange(0, 40);
  const Expression e = random_expression(at, 3);
  RC_ASSERT(*e.dim.evaluate(at) == e.value);
}

RC_GTEST_PROP(DimProperty, BoundsHoldEveryValue, ()) {
  Bindings at;
  Ranges ranges;
  for (const char* name : {"N", "H", "W"}) {
    const int64_t low = *rc::gen::inRange(0, 20), high = low + *rc::gen::inRange(0, 20);
    at[name] = *rc::gen::inRange(low, high + 1);
    ranges[name] = {low, high};
  }
  const Expression e = random_expression(at, 3);
  const Interval bounds = e.dim.bounds(ranges);
  RC_ASSERT(bounds.min <= e.value);
  RC_ASSERT(e.value <= bounds.max);
}

RC_GTEST_PROP(DimProperty, SubstitutionIsEvaluation, ()) {
  Bindings at;
  std::map<std::string, Dim, std::less<>> values;
  for (const char* name : {"N", "H", "W"}) {
    at[name] = *rc::gen::inRange(1, 40);
    values.emplace(name, Dim(at[name]));
  }
  const Expression e = random_expression(at, 3);
  RC_ASSERT(e.dim.substitute(values).constant() == e.value);
}

RC_GTEST_PROP(DimProperty, DivisionAndRemainderMakeTheWhole, ()) {
  const int64_t d = *rc::gen::inRange(1, 9);
  const Bindings at{{"N", *rc::gen::inRange(0, 99)}, {"H", *rc::gen::inRange(0, 99)}, {"W", 1}};
  const Dim a = random_expression(at, 2).dim;
  RC_ASSERT(*(floordiv(a, Dim(d)) * Dim(d) + mod(a, Dim(d))).evaluate(at) == *a.evaluate(at));
}

}  // namespace
}  // namespace tenon::ir
