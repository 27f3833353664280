#include "ops/lrn/lrn.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_lrn(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_rank(context, 0, 2));
  if (context.as<LRN>().size < 1) return context.fail("size is not positive");
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> lrn_op() {
  static constexpr ir::OpSpec specs[] = {spec<LRN>(1, 1, infer_lrn)};
  return specs;
}

}  // namespace tenon::ops
