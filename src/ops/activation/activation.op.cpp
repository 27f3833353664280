#include "ops/activation/activation.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_activation(InferContext& context) {
  TRY(need_floating(context, 0));
  return infer_same(context);
}

Status infer_gelu(InferContext& context) {
  const std::string approximate = context.as<Gelu>().approximate;
  if (approximate != "none" && approximate != "tanh")
    return context.fail("approximate is '" + approximate + "', not none or tanh");
  return infer_activation(context);
}

// The slope broadcasts to X, never the other way round.
Status infer_prelu(InferContext& context) {
  TRY(same_dtype(context, 0, 1));
  TRY(need_numeric(context, 0));
  const Sizes* x = context.shape(0);
  const Sizes* slope = context.shape(1);
  if (x && slope) {
    if (slope->size() > x->size())
      return context.fail("the slope has more dimensions than the input");
    TRY(broadcast_sizes(context, *x, *slope));
  }
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> activation_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Elu>(1, 1, infer_activation),
      spec<Selu>(1, 1, infer_activation),
      spec<Celu>(1, 1, infer_activation),
      spec<LeakyRelu>(1, 1, infer_activation),
      spec<HardSigmoid>(1, 1, infer_activation),
      spec<Gelu>(1, 1, infer_gelu),
      spec<Swish>(1, 1, infer_activation),
      spec<ThresholdedRelu>(1, 1, infer_activation),
      spec<PRelu>(2, 2, infer_prelu),
  };
  return specs;
}

}  // namespace tenon::ops
