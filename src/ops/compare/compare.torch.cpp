#include "ops/compare/compare.h"

#include <cmath>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace compare_lowering {

using lower::V;
using torch::LowerContext;

constexpr char kEqual[] = "Equal", kLess[] = "Less", kLessOrEqual[] = "LessOrEqual";
constexpr char kGreater[] = "Greater", kGreaterOrEqual[] = "GreaterOrEqual";

// Compared in the promoted type; ONNX has no order on booleans.
template <const char* op, bool ordered>
V* compare(LowerContext& c) {
  DType type = c.promoted({"self", "other"});
  if (ordered && type == DType::boolean) type = DType::i32;
  return c.b.emit_named(op, {c.operand("self", type), c.operand("other", type)});
}
V* not_equal(LowerContext& c) { return c.b.emit_named("Not", {compare<kEqual, false>(c)}); }

// |a - b| <= atol + rtol * |b|, or equal (infinities); not-a-numbers are close only where asked
// for.
V* is_close(LowerContext& c) {
  const DType type = c.promoted({"self", "other"}), wide = LowerContext::floating(type);
  V *a = c.operand("self", wide), *b = c.operand("other", wide);
  V* allowed = lower::add(c, lower::mul(c, c.b.emit_named("Abs", {b}), c.scalar("rtol", wide)),
                          c.scalar("atol", wide));
  V* distance = c.b.emit_named("Abs", {lower::sub(c, a, b)});
  V* near = c.b.emit_named("LessOrEqual", {distance, allowed});
  V* finite = c.b.emit_named("Less", {distance, lower::like(c, distance, HUGE_VAL)});
  V* close = c.b.emit_named(
      "Or", {c.b.emit_named("Equal", {a, b}), c.b.emit_named("And", {near, finite})});
  if (c.flag("equal_nan")) {
    close = c.b.emit_named("Or", {close, c.b.emit_named("And", {c.b.emit_named("IsNaN", {a}),
                                                                c.b.emit_named("IsNaN", {b})})});
  }
  return close;
}

V* everywhere(LowerContext& c, V* condition) {
  V* as_int = c.b.cast(condition, DType::i32);
  return c.b.cast(
      lower::reduce(c, "ReduceMin", as_int, lower::all_axes(lower::rank(c, condition)), false),
      DType::boolean);
}
V* all_close(LowerContext& c) { return everywhere(c, is_close(c)); }

V* equal(LowerContext& c) {
  if (lower::sizes(c, c.tensor("self")) != lower::sizes(c, c.tensor("other")))
    return c.b.scalar(0, DType::boolean);
  return everywhere(c, compare<kEqual, false>(c));
}

}  // namespace compare_lowering

std::span<const torch::Lowering> compare_torch() {
  using namespace compare_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::eq.Tensor", compare<kEqual, false>},
      {"aten::eq.Scalar", compare<kEqual, false>},
      {"aten::ne.Tensor", not_equal},
      {"aten::ne.Scalar", not_equal},
      {"aten::not_equal.Tensor", not_equal},
      {"aten::not_equal.Scalar", not_equal},
      {"aten::lt.Tensor", compare<kLess, true>},
      {"aten::lt.Scalar", compare<kLess, true>},
      {"aten::less.Tensor", compare<kLess, true>},
      {"aten::less.Scalar", compare<kLess, true>},
      {"aten::le.Tensor", compare<kLessOrEqual, true>},
      {"aten::le.Scalar", compare<kLessOrEqual, true>},
      {"aten::less_equal.Tensor", compare<kLessOrEqual, true>},
      {"aten::less_equal.Scalar", compare<kLessOrEqual, true>},
      {"aten::gt.Tensor", compare<kGreater, true>},
      {"aten::gt.Scalar", compare<kGreater, true>},
      {"aten::greater.Tensor", compare<kGreater, true>},
      {"aten::greater.Scalar", compare<kGreater, true>},
      {"aten::ge.Tensor", compare<kGreaterOrEqual, true>},
      {"aten::ge.Scalar", compare<kGreaterOrEqual, true>},
      {"aten::greater_equal.Tensor", compare<kGreaterOrEqual, true>},
      {"aten::greater_equal.Scalar", compare<kGreaterOrEqual, true>},
      {"aten::isclose", is_close},
      {"aten::allclose", all_close},
      {"aten::equal", equal},
  };
  return kAll;
}

}  // namespace tenon::ops
