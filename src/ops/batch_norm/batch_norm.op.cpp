#include "ops/batch_norm/batch_norm.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_batch_norm(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_rank(context, 0, 1));
  const Sizes* x = context.shape(0);
  for (size_t i = 1; i < 5; ++i) {
    const Sizes* parameter = context.shape(i);
    if (parameter && parameter->size() != 1)
      return context.fail(fmt::format("input {} is not a vector", i));
    if (parameter && x && x->size() > 1) {
      TRY(need_equal(context, (*parameter)[0], (*x)[1],
                     fmt::format("input {} has another size than the channels", i)));
    }
  }
  TRY(infer_same(context));
  for (size_t i = 1; i < context.output_count(); ++i)
    context.set_type(i, context.input(i + 2)->type);
  return {};
}

}  // namespace

std::span<const ir::OpSpec> batch_norm_op() {
  static constexpr ir::OpSpec specs[] = {spec<BatchNormalization>(5, 5, infer_batch_norm, 1, 3)};
  return specs;
}

}  // namespace tenon::ops
