#include "ops/binary/binary.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

using MaybeDim = std::optional<Dim>;

template <class F>
Status infer_arithmetic(InferContext& context, F&& f) {
  TRY(need_numeric(context, 0));
  TRY(infer_broadcast(context));
  if (is_integral(context.dtype(0)))
    keep_contents(context, 0,
                  map_contents(flat_contents(context, 0), flat_contents(context, 1), f));
  return {};
}

Status infer_add(InferContext& context) {
  return infer_arithmetic(context, [](const Dim& a, const Dim& b) { return MaybeDim(a + b); });
}
Status infer_sub(InferContext& context) {
  return infer_arithmetic(context, [](const Dim& a, const Dim& b) { return MaybeDim(a - b); });
}
Status infer_mul(InferContext& context) {
  return infer_arithmetic(context, [](const Dim& a, const Dim& b) { return MaybeDim(a * b); });
}

// ONNX divides integers towards zero, so floordiv says it only where both are not negative, or
// where the division is exact. a - mod(a, b) is how floor division is written in ONNX.
MaybeDim divide(const Dim& a, const Dim& b, const ir::Ranges& ranges) {
  if (b.is(0)) return std::nullopt;
  if (const Dim q = floordiv(a, b); q * b == a) return q;
  for (const Dim::Term& term : a.terms()) {
    if (term.coefficient != -1 || term.factors.size() != 1) continue;
    const Dim::Atom& atom = *term.factors[0];
    if (atom.op != Dim::Op::mod || atom.args[1] != b) continue;
    const Dim remainder = mod(atom.args[0], b), whole = a + remainder;
    if (mod(whole, b) == remainder) return floordiv(whole, b);
  }
  if (less_equal(Dim(0), a, ranges) == ir::Truth::yes &&
      less_equal(Dim(1), b, ranges) == ir::Truth::yes) {
    return floordiv(a, b);
  }
  const auto x = a.constant(), y = b.constant();
  if (x && y && *y != -1) return Dim(*x / *y);
  return std::nullopt;
}

Status infer_div(InferContext& context) {
  const ir::Ranges ranges = context.ranges();
  return infer_arithmetic(context,
                          [&](const Dim& a, const Dim& b) { return divide(a, b, ranges); });
}

Status infer_mod(InferContext& context) {
  const bool fmod = context.as<Mod>().fmod;
  if (!fmod && is_floating(context.dtype(0)))
    return context.fail("Mod of floating-point numbers needs fmod=1");
  const ir::Ranges ranges = context.ranges();
  return infer_arithmetic(context, [&](const Dim& a, const Dim& b) -> MaybeDim {
    if (b.is(0)) return std::nullopt;
    if (!fmod || (less_equal(Dim(0), a, ranges) == ir::Truth::yes &&
                  less_equal(Dim(1), b, ranges) == ir::Truth::yes)) {
      return mod(a, b);
    }
    return std::nullopt;
  });
}

// The exponent may have a type of its own.
Status infer_pow(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(need_numeric(context, 1));
  const size_t inputs[] = {0, 1};
  context.set(0, context.dtype(0), TRY(broadcast_inputs(context, inputs)));
  return {};
}

template <class F>
Status infer_logical(InferContext& context, F&& f) {
  TRY(need_dtype(context, 0, DType::boolean));
  TRY(infer_broadcast(context));
  keep_contents(context, 0, map_contents(flat_contents(context, 0), flat_contents(context, 1), f));
  return {};
}

Status infer_and(InferContext& context) {
  return infer_logical(context, [](const Dim& a, const Dim& b) { return MaybeDim(a * b); });
}
Status infer_or(InferContext& context) {
  return infer_logical(context, [](const Dim& a, const Dim& b) { return MaybeDim(a + b - a * b); });
}
Status infer_xor(InferContext& context) {
  return infer_logical(context,
                       [](const Dim& a, const Dim& b) { return MaybeDim(a + b - Dim(2) * a * b); });
}

Status infer_bitwise(InferContext& context) {
  TRY(need_integer(context, 0));
  return infer_broadcast(context);
}

Status infer_bit_shift(InferContext& context) {
  const std::string direction = context.as<BitShift>().direction;
  if (direction != "LEFT" && direction != "RIGHT")
    return context.fail("direction is '" + direction + "', not LEFT or RIGHT");
  return infer_bitwise(context);
}

}  // namespace

std::span<const ir::OpSpec> binary_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Add>(2, 2, infer_add),
      spec<Sub>(2, 2, infer_sub),
      spec<Mul>(2, 2, infer_mul),
      spec<Div>(2, 2, infer_div),
      spec<Pow>(2, 2, infer_pow),
      spec<Mod>(2, 2, infer_mod),
      spec<And>(2, 2, infer_and),
      spec<Or>(2, 2, infer_or),
      spec<Xor>(2, 2, infer_xor),
      spec<BitwiseAnd>(2, 2, infer_bitwise),
      spec<BitwiseOr>(2, 2, infer_bitwise),
      spec<BitwiseXor>(2, 2, infer_bitwise),
      spec<BitShift>(2, 2, infer_bit_shift),
  };
  return specs;
}

}  // namespace tenon::ops
