#include "torch/exported/sympy.h"

#include <gtest/gtest.h>

namespace tenon::torch::exported {
namespace {

// The value of an expression at s0 = 17, s1 = 5.
int64_t value(std::string_view text) {
  const auto expr = parse_sympy(text);
  EXPECT_TRUE(expr) << expr.error().message();
  if (!expr) return -1;
  const auto dim = to_dim(*expr);
  EXPECT_TRUE(dim) << dim.error().message();
  return dim ? dim->evaluate({{"s0", 17}, {"s1", 5}}).value_or(-1) : -1;
}

TEST(Sympy, Integers) {
  const std::string s0 = "Symbol('s0', positive=True, integer=True)",
                    s1 = "Symbol('s1', integer=True)";
  EXPECT_EQ(value("Integer(-3)"), -3);
  EXPECT_EQ(value(s0), 17);
  EXPECT_EQ(value("Add(" + s0 + ", Integer(-2))"), 15);
  EXPECT_EQ(value("Mul(Integer(-1), " + s0 + ", " + s1 + ")"), -85);
  EXPECT_EQ(value("FloorDiv(" + s0 + ", " + s1 + ")"), 3);
  EXPECT_EQ(value("CeilDiv(" + s0 + ", Integer(5))"), 4);
  EXPECT_EQ(value("Mod(" + s0 + ", " + s1 + ")"), 2);
  EXPECT_EQ(value("PythonMod(Mul(Integer(-1), " + s0 + "), Integer(5))"), 3);
  EXPECT_EQ(value("Max(Integer(1), " + s0 + ", Integer(20))"), 20);
  EXPECT_EQ(value("Min(Integer(30), " + s0 + ", Integer(20))"), 17);
  EXPECT_EQ(value("Pow(" + s1 + ", Integer(3))"), 125);
  EXPECT_EQ(value("PowByNatural(" + s1 + ", Integer(0))"), 1);
  EXPECT_EQ(value("TruncToInt(IntTrueDiv(" + s0 + ", Integer(4)))"), 4);
  EXPECT_EQ(value("CeilToInt(IntTrueDiv(" + s0 + ", Integer(4)))"), 5);
  EXPECT_EQ(value("floor(Mul(Rational(1, 2), " + s0 + "))"), 8);
  EXPECT_EQ(value("ceiling(Mul(Rational(1, 2), " + s0 + "))"), 9);
  EXPECT_EQ(value("TruncToInt(Mul(Float('1.5', precision=53), ToFloat(" + s0 + ")))"), 25);
  EXPECT_EQ(value("CeilToInt(Mul(Float('1.5', precision=53), ToFloat(" + s0 + ")))"), 26);
}

TEST(Sympy, OlderNotation) {
  EXPECT_EQ(value("s0"), 17);
  EXPECT_EQ(value("2*s0 - 3"), 31);
  EXPECT_EQ(value("-s0 + s1**2*2"), 33);
  EXPECT_EQ(value("-s1**2"), -25);
  EXPECT_EQ(value("((s0 + 1)//s1)"), 3);
  EXPECT_EQ(value("s0 - (s1 - 2)"), 14);
  EXPECT_EQ(value("s0*s1//4 % 6"), 3);
  EXPECT_EQ(value("Mod(s0, 5) + Max(1, s1)"), 7);
  EXPECT_EQ(value("floor(s0/4)"), 4);
  EXPECT_EQ(value("ceiling(1.5*s0)"), 26);
}

TEST(Sympy, WhatHasNoDimIsRefused) {
  for (const char* text :
       {"Equality(Symbol('s0'), Integer(1))", "Float('2.5', precision=53)", "oo", "-int_oo", "true",
        "Pow(Integer(2), Symbol('s0'))", "Where(true, Integer(1), Integer(2))", "Rational(1, 3)",
        "FloorDiv(Symbol('s0'), Integer(0))", "Mod(Symbol('s0'), Integer(0))"}) {
    const auto expr = parse_sympy(text);
    ASSERT_TRUE(expr) << text << expr.error().message();
    const auto dim = to_dim(*expr);
    ASSERT_FALSE(dim) << text;
    EXPECT_EQ(dim.error().kind, ErrorKind::unsupported);
  }
}

TEST(Sympy, DamageIsRefused) {
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "Add(";
  for (const std::string& text :
       {std::string(), std::string("Add("), std::string("Integer(99999999999999999999)"),
        std::string("Symbol('s0"), std::string("1 +"), std::string("(s0"), std::string("s0 s1"),
        std::string("1" + std::string(5000, '0')), std::string("__import__('os')"),
        std::string("Rational(1, 0)"), deep, std::string(20000, '-'), std::string(9000, '-'),
        std::string(9000, '(')}) {
    const auto expr = parse_sympy(text);
    EXPECT_FALSE(expr) << text;
  }
}

TEST(Sympy, ProductsOfManySumsAreBounded) {
  std::string sum = "Add(";
  for (int i = 0; i < 20; ++i) sum += "Symbol('a" + std::to_string(i) + "'), ";
  sum += "Integer(1))";
  const auto expr = parse_sympy("Pow(" + sum + ", Integer(8))");
  ASSERT_TRUE(expr);
  EXPECT_FALSE(to_dim(*expr));
}

}  // namespace
}  // namespace tenon::torch::exported
