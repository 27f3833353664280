#include "ops/layer_norm/layer_norm.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_layer_norm(InferContext& context) {
  TRY(need_floating(context, 0));
  const auto op = context.as<LayerNormalization>();
  const Sizes* x = context.shape(0);
  std::optional<Sizes> statistics;
  if (x) {
    const size_t axis = TRY(axis_of(context, op.axis, x->size()));
    for (size_t i = 1; i < context.input_count(); ++i) {
      if (const Sizes* scale = context.shape(i)) TRY(broadcast_sizes(context, *x, *scale));
    }
    statistics = *x;
    for (size_t i = axis; i < x->size(); ++i) (*statistics)[i] = 1;
  }
  TRY(infer_same(context));
  const DType stash = op.stash_type == 1 ? DType::f32 : static_cast<DType>(op.stash_type);
  for (size_t i = 1; i < context.output_count(); ++i) context.set(i, stash, statistics);
  return {};
}

}  // namespace

std::span<const ir::OpSpec> layer_norm_op() {
  static constexpr ir::OpSpec specs[] = {spec<LayerNormalization>(2, 3, infer_layer_norm, 1, 3)};
  return specs;
}

}  // namespace tenon::ops
