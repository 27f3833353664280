#include "ops/gather_elements/gather_elements.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_gather_elements(InferContext& context) {
  TRY(need_integer(context, 1));
  const Sizes* x = context.shape(0);
  const Sizes* indices = context.shape(1);
  if (x) TRY(axis_of(context, context.as<GatherElements>().axis, x->size()));
  if (x && indices && x->size() != indices->size())
    return context.fail("data and indices have other numbers of dimensions");
  context.set(0, context.dtype(0), context.input(1)->shape());
  return {};
}

}  // namespace

std::span<const ir::OpSpec> gather_elements_op() {
  static constexpr ir::OpSpec specs[] = {spec<GatherElements>(2, 2, infer_gather_elements)};
  return specs;
}

}  // namespace tenon::ops
