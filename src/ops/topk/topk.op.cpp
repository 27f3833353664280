#include "ops/topk/topk.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_topk(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(need_dtype(context, 1, DType::i64));
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    context.set(1, DType::i64, std::nullopt);
    return {};
  }
  const size_t axis = TRY(axis_of(context, context.as<TopK>().axis, x->size()));
  const Contents k = context.contents(1);
  Sizes out = *x;
  const Dim before = out[axis];
  out[axis] = k && k->size() == 1 ? (*k)[0] : context.data_dim(0, axis);
  if (less_equal(out[axis], before, context.ranges()) == ir::Truth::no)
    return context.fail(
        fmt::format("K is {} for axis {} of {}", out[axis].str(), axis, to_string(*x)));
  context.set(1, DType::i64, out);
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> topk_op() {
  static constexpr ir::OpSpec specs[] = {spec<TopK>(2, 2, infer_topk, 1, 2)};
  return specs;
}

}  // namespace tenon::ops
