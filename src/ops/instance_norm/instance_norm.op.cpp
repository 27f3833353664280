#include "ops/instance_norm/instance_norm.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_instance_norm(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_rank(context, 0, 2));
  TRY(same_dtype(context, 0, 2));
  if (const Sizes* x = context.shape(0)) {
    for (size_t i : {size_t{1}, size_t{2}}) {
      if (const Sizes* parameter = context.shape(i); parameter && parameter->size() == 1)
        TRY(need_equal(context, (*parameter)[0], (*x)[1], "scale or bias is not one per channel"));
    }
  }
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> instance_norm_op() {
  static constexpr ir::OpSpec specs[] = {spec<InstanceNormalization>(3, 3, infer_instance_norm)};
  return specs;
}

}  // namespace tenon::ops
