#include "ops/arg_reduce/arg_reduce.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class Op>
Status infer_arg_reduce(InferContext& context) {
  TRY(need_numeric(context, 0));
  const auto op = context.as<Op>();
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, DType::i64, std::nullopt);
    return {};
  }
  const size_t axis = TRY(axis_of(context, op.axis, x->size()));
  Sizes out = *x;
  if (op.keepdims)
    out[axis] = 1;
  else
    out.erase(out.begin() + static_cast<ptrdiff_t>(axis));
  context.set(0, DType::i64, std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> arg_reduce_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<ArgMax>(1, 1, infer_arg_reduce<ArgMax>),
      spec<ArgMin>(1, 1, infer_arg_reduce<ArgMin>),
  };
  return specs;
}

}  // namespace tenon::ops
