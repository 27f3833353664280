#include "ops/det/det.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_det(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_rank(context, 0, 2));
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  TRY(need_equal(context, (*x)[x->size() - 2], x->back(), "the matrices are not square"));
  context.set(0, context.dtype(0), Sizes(x->begin(), x->end() - 2));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> det_op() {
  static constexpr ir::OpSpec specs[] = {spec<Det>(1, 1, infer_det)};
  return specs;
}

}  // namespace tenon::ops
