#include "ops/cumsum/cumsum.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_cumsum(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(need_integer(context, 1));
  const auto axis = context.constant_ints(1);
  if (const Sizes* x = context.shape(0); x && axis && axis->size() == 1)
    TRY(axis_of(context, (*axis)[0], x->size()));
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> cumsum_op() {
  static constexpr ir::OpSpec specs[] = {spec<CumSum>(2, 2, infer_cumsum)};
  return specs;
}

}  // namespace tenon::ops
