#include "ops/grid_sample/grid_sample.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_grid_sample(InferContext& context) {
  const auto op = context.as<GridSample>();
  if (op.mode != "linear" && op.mode != "nearest" && op.mode != "cubic")
    return context.fail("mode '" + op.mode + "' is not linear, nearest or cubic");
  if (op.padding_mode != "zeros" && op.padding_mode != "border" && op.padding_mode != "reflection")
    return context.fail("padding_mode '" + op.padding_mode + "' is not known");
  TRY(need_floating(context, 1));
  const Sizes *x = context.shape(0), *grid = context.shape(1);
  if (x == nullptr || grid == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  if (x->size() < 3 || grid->size() != x->size())
    return context.fail("input and grid need the same number of dimensions, at least three");
  TRY(need_equal(context, (*x)[0], (*grid)[0], "input and grid have different batch sizes"));
  TRY(need_equal(context, grid->back(), Dim(static_cast<int64_t>(x->size()) - 2),
                 "the grid's last dimension is not the number of spatial dimensions"));
  Sizes out{(*x)[0], (*x)[1]};
  out.insert(out.end(), grid->begin() + 1, grid->end() - 1);
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> grid_sample_op() {
  static constexpr ir::OpSpec specs[] = {spec<GridSample>(2, 2, infer_grid_sample)};
  return specs;
}

}  // namespace tenon::ops
