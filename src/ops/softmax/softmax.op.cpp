#include "ops/softmax/softmax.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class Op>
Status infer_softmax(InferContext& context) {
  TRY(need_floating(context, 0));
  if (const Sizes* x = context.shape(0))
    TRY(axis_of(context, context.as<Op>().axis, std::max<size_t>(x->size(), 1)));
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> softmax_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Softmax>(1, 1, infer_softmax<Softmax>),
      spec<LogSoftmax>(1, 1, infer_softmax<LogSoftmax>),
  };
  return specs;
}

}  // namespace tenon::ops
