#include "ops/scatter_elements/scatter_elements.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_scatter_elements(InferContext& context) {
  TRY(need_integer(context, 1));
  if (context.dtype(0) != context.dtype(2)) return context.fail("data and updates differ in type");
  const Sizes* x = context.shape(0);
  if (x) TRY(axis_of(context, context.as<ScatterElements>().axis, x->size()));
  for (size_t i : {size_t{1}, size_t{2}}) {
    const Sizes* other = context.shape(i);
    if (x && other && other->size() != x->size())
      return context.fail("data, indices and updates have other numbers of dimensions");
  }
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> scatter_elements_op() {
  static constexpr ir::OpSpec specs[] = {spec<ScatterElements>(3, 3, infer_scatter_elements)};
  return specs;
}

}  // namespace tenon::ops
