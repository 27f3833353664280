#include "ops/gemm/gemm.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_gemm(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(same_dtype(context, 0, 2));
  const auto gemm = context.as<Gemm>();
  const Sizes* a = context.shape(0);
  const Sizes* b = context.shape(1);
  if ((a && a->size() != 2) || (b && b->size() != 2))
    return context.fail("an input is not a matrix");
  if (a && b) {
    TRY(need_equal(
        context, (*a)[gemm.trans_a ? 0 : 1], (*b)[gemm.trans_b ? 1 : 0],
        fmt::format("the inner sizes of {} and {} differ", to_string(*a), to_string(*b))));
  }
  Sizes out{a ? (*a)[gemm.trans_a ? 1 : 0] : context.data_dim(0, 0),
            b ? (*b)[gemm.trans_b ? 0 : 1] : context.data_dim(0, 1)};
  if (const Sizes* c = context.shape(2)) {
    if (c->size() > 2) return context.fail("C has more than two dimensions");
    TRY(broadcast_sizes(context, out, *c));
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> gemm_op() {
  static constexpr ir::OpSpec specs[] = {spec<Gemm>(2, 3, infer_gemm)};
  return specs;
}

}  // namespace tenon::ops
