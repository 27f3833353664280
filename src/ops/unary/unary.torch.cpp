#include "torch/lowering.h"

namespace tenon::ops {
namespace {

using torch::LowerContext;

// The operator itself, in the input's type.
template <const char* op>
ir::Value* same(LowerContext& c) {
  return c.b.emit_named(op, {c.tensor("self")});
}

// PyTorch computes these in float for integers and booleans.
template <const char* op>
ir::Value* floating(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return c.b.emit_named(op, {c.b.cast(x, LowerContext::floating(x->dtype()))});
}

// Rounding leaves integers alone.
template <const char* op>
ir::Value* rounding(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return is_floating(x->dtype()) ? c.b.emit_named(op, {x}) : x;
}

constexpr char kRelu[] = "Relu", kAbs[] = "Abs", kNeg[] = "Neg", kSign[] = "Sign";
constexpr char kFloor[] = "Floor", kCeil[] = "Ceil", kRound[] = "Round";
constexpr char kSigmoid[] = "Sigmoid", kTanh[] = "Tanh", kExp[] = "Exp", kLog[] = "Log", kSqrt[] = "Sqrt";
constexpr char kReciprocal[] = "Reciprocal", kErf[] = "Erf", kSin[] = "Sin", kCos[] = "Cos", kTan[] = "Tan";
constexpr char kAsin[] = "Asin", kAcos[] = "Acos", kAtan[] = "Atan", kSinh[] = "Sinh", kCosh[] = "Cosh";
constexpr char kAsinh[] = "Asinh", kAcosh[] = "Acosh", kAtanh[] = "Atanh", kHardSwish[] = "HardSwish";
constexpr char kMish[] = "Mish", kIsNaN[] = "IsNaN";

ir::Value* rsqrt(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  x = c.b.cast(x, LowerContext::floating(x->dtype()));
  return c.b.emit_named("Reciprocal", {c.b.emit_named("Sqrt", {x})});
}

ir::Value* logical_not(LowerContext& c) { return c.b.emit_named("Not", {c.b.cast(c.tensor("self"), DType::boolean)}); }

ir::Value* bitwise_not(LowerContext& c) {
  ir::Value* x = c.tensor("self");
  return c.b.emit_named(x->dtype() == DType::boolean ? "Not" : "BitwiseNot", {x});
}

}  // namespace

std::span<const torch::Lowering> unary_torch() {
  static constexpr torch::Lowering kAll[] = {
      {"aten::relu", same<kRelu>},
      {"aten::abs", same<kAbs>},
      {"aten::neg", same<kNeg>},
      {"aten::sign", same<kSign>},
      {"aten::floor", rounding<kFloor>},
      {"aten::ceil", rounding<kCeil>},
      {"aten::round", rounding<kRound>},
      {"aten::sigmoid", floating<kSigmoid>},
      {"aten::tanh", floating<kTanh>},
      {"aten::exp", floating<kExp>},
      {"aten::log", floating<kLog>},
      {"aten::sqrt", floating<kSqrt>},
      {"aten::rsqrt", rsqrt},
      {"aten::reciprocal", floating<kReciprocal>},
      {"aten::erf", floating<kErf>},
      {"aten::sin", floating<kSin>},
      {"aten::cos", floating<kCos>},
      {"aten::tan", floating<kTan>},
      {"aten::asin", floating<kAsin>},
      {"aten::acos", floating<kAcos>},
      {"aten::atan", floating<kAtan>},
      {"aten::sinh", floating<kSinh>},
      {"aten::cosh", floating<kCosh>},
      {"aten::asinh", floating<kAsinh>},
      {"aten::acosh", floating<kAcosh>},
      {"aten::atanh", floating<kAtanh>},
      {"aten::hardswish", same<kHardSwish>},
      {"aten::mish", same<kMish>},
      {"aten::isnan", same<kIsNaN>},
      {"aten::logical_not", logical_not},
      {"aten::bitwise_not", bitwise_not},
  };
  return kAll;
}

}  // namespace tenon::ops
