#include "ops/rms_norm/rms_norm.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_rms_norm(InferContext& context) {
  TRY(need_floating(context, 0));
  if (const Sizes* x = context.shape(0)) {
    TRY(axis_of(context, context.as<RMSNormalization>().axis, x->size()));
    if (const Sizes* scale = context.shape(1)) TRY(broadcast_sizes(context, *x, *scale));
  }
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> rms_norm_op() {
  static constexpr ir::OpSpec specs[] = {spec<RMSNormalization>(2, 2, infer_rms_norm)};
  return specs;
}

}  // namespace tenon::ops
