#include "ops/unary/unary.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class F>
void map_unary_contents(InferContext& context, F&& f) {
  const Contents in = context.contents(0);
  keep_contents(context, 0, map_contents(in, in, [&](const Dim& x, const Dim&) { return f(x); }));
}

Status infer_unary_float(InferContext& context) {
  TRY(need_floating(context, 0));
  return infer_same(context);
}

Status infer_unary_numeric(InferContext& context) {
  TRY(need_numeric(context, 0));
  return infer_same(context);
}

Status infer_neg(InferContext& context) {
  map_unary_contents(context, [](const Dim& x) { return std::optional(-x); });
  return infer_unary_numeric(context);
}

Status infer_abs(InferContext& context) {
  map_unary_contents(context, [&](const Dim& x) -> std::optional<Dim> {
    if (less_equal(Dim(0), x, context.ranges()) == ir::Truth::yes) return x;
    return less_equal(x, Dim(0), context.ranges()) == ir::Truth::yes ? std::optional(-x)
                                                                     : std::nullopt;
  });
  return infer_unary_numeric(context);
}

Status infer_not(InferContext& context) {
  TRY(need_dtype(context, 0, DType::boolean));
  map_unary_contents(context, [](const Dim& x) { return std::optional(Dim(1) - x); });
  return infer_same(context);
}

Status infer_float_test(InferContext& context) {
  TRY(need_floating(context, 0));
  context.set(0, DType::boolean, context.input(0)->shape());
  return {};
}

Status infer_bitwise_not(InferContext& context) {
  TRY(need_integer(context, 0));
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> unary_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Relu>(1, 1, infer_unary_numeric),
      spec<Sigmoid>(1, 1, infer_unary_float),
      spec<Tanh>(1, 1, infer_unary_float),
      spec<Exp>(1, 1, infer_unary_float),
      spec<Log>(1, 1, infer_unary_float),
      spec<Sqrt>(1, 1, infer_unary_float),
      spec<Reciprocal>(1, 1, infer_unary_float),
      spec<Neg>(1, 1, infer_neg),
      spec<Abs>(1, 1, infer_abs),
      spec<Floor>(1, 1, infer_unary_float),
      spec<Ceil>(1, 1, infer_unary_float),
      spec<Round>(1, 1, infer_unary_float),
      spec<Erf>(1, 1, infer_unary_numeric),
      spec<Sin>(1, 1, infer_unary_float),
      spec<Cos>(1, 1, infer_unary_float),
      spec<Tan>(1, 1, infer_unary_float),
      spec<Asin>(1, 1, infer_unary_float),
      spec<Acos>(1, 1, infer_unary_float),
      spec<Atan>(1, 1, infer_unary_float),
      spec<Sinh>(1, 1, infer_unary_float),
      spec<Cosh>(1, 1, infer_unary_float),
      spec<Asinh>(1, 1, infer_unary_float),
      spec<Acosh>(1, 1, infer_unary_float),
      spec<Atanh>(1, 1, infer_unary_float),
      spec<Sign>(1, 1, infer_unary_numeric),
      spec<Not>(1, 1, infer_not),
      spec<Softplus>(1, 1, infer_unary_float),
      spec<Softsign>(1, 1, infer_unary_float),
      spec<HardSwish>(1, 1, infer_unary_float),
      spec<Mish>(1, 1, infer_unary_float),
      spec<IsNaN>(1, 1, infer_float_test),
      spec<IsInf>(1, 1, infer_float_test),
      spec<BitwiseNot>(1, 1, infer_bitwise_not),
  };
  return specs;
}

}  // namespace tenon::ops
