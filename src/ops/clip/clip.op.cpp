#include "ops/clip/clip.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_clip(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(same_dtype(context, 0, 2));
  for (size_t i : {size_t{1}, size_t{2}}) {
    const Sizes* sizes = context.shape(i);
    if (sizes && !sizes->empty() && !(sizes->size() == 1 && (*sizes)[0].is(1)))
      return context.fail(fmt::format("input {} is not a scalar", i));
  }
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> clip_op() {
  static constexpr ir::OpSpec specs[] = {spec<Clip>(1, 3, infer_clip)};
  return specs;
}

}  // namespace tenon::ops
