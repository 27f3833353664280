#include "ops/one_hot/one_hot.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_one_hot(InferContext& context) {
  TRY(need_numeric(context, 0));
  const Sizes* indices = context.shape(0);
  const DType dtype = context.dtype(2);
  if (indices == nullptr) {
    context.set(0, dtype, std::nullopt);
    return {};
  }
  const size_t axis = TRY(axis_of(context, context.as<OneHot>().axis, indices->size() + 1));
  const Contents depth = context.contents(1);
  Sizes out = *indices;
  out.insert(out.begin() + static_cast<ptrdiff_t>(axis),
             depth && depth->size() == 1 ? (*depth)[0] : context.data_dim(0, axis));
  context.set(0, dtype, std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> one_hot_op() {
  static constexpr ir::OpSpec specs[] = {spec<OneHot>(3, 3, infer_one_hot)};
  return specs;
}

}  // namespace tenon::ops
