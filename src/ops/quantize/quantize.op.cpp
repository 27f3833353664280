#include "ops/quantize/quantize.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// Whether scale and zero point have a shape that fits the input's.
Status check_scale(InferContext& context, int64_t axis, int64_t block_size) {
  const Sizes *x = context.shape(0), *scale = context.shape(1), *point = context.shape(2);
  if (block_size < 0) return context.fail("the block size is negative");
  if (scale && point && scale->size() != point->size() &&
      !(ir::product(*scale).is(1) && ir::product(*point).is(1)))
    return context.fail("scale and zero point have other shapes");
  if (!x || !scale || scale->empty()) return {};
  if (scale->size() == 1 && (*scale)[0].is(1) && block_size == 0) return {};
  const size_t at = TRY(axis_of(context, axis, x->size()));
  if (block_size == 0) {
    if (scale->size() != 1) return context.fail("the scale has more than one dimension");
    return need_equal(context, (*scale)[0], (*x)[at], "a scale for each place along the axis");
  }
  if (scale->size() != x->size()) return context.fail("the scale has not the input's rank");
  for (size_t d = 0; d < x->size(); ++d) {
    const Dim want = d == at ? ir::ceildiv((*x)[d], Dim(block_size)) : (*x)[d];
    TRY(need_equal(context, (*scale)[d], want, "a scale for each block"));
  }
  return {};
}

Status infer_quantize(InferContext& context) {
  const auto op = context.as<QuantizeLinear>();
  TRY(check_scale(context, op.axis, op.block_size));
  TRY(need_numeric(context, 0));
  TRY(need_numeric(context, 1));
  auto type = static_cast<DType>(op.output_dtype);
  if (context.has(2)) {
    if (type != DType::undefined && type != context.dtype(2))
      return context.fail("output_dtype is not the zero point's type");
    type = context.dtype(2);
  }
  if (type == DType::undefined) type = DType::u8;
  context.set(0, type, context.input(0)->shape());
  return {};
}

Status infer_dequantize(InferContext& context) {
  const auto op = context.as<DequantizeLinear>();
  TRY(check_scale(context, op.axis, op.block_size));
  TRY(need_floating(context, 1));
  if (context.has(2) && context.dtype(2) != context.dtype(0))
    return context.fail("the zero point has not the input's type");
  const auto type = static_cast<DType>(op.output_dtype);
  context.set(0, type == DType::undefined ? context.dtype(1) : type, context.input(0)->shape());
  return {};
}

}  // namespace

std::span<const ir::OpSpec> quantize_op() {
  static constexpr ir::OpSpec specs[] = {spec<QuantizeLinear>(2, 3, infer_quantize),
                                         spec<DequantizeLinear>(2, 3, infer_dequantize)};
  return specs;
}

}  // namespace tenon::ops
