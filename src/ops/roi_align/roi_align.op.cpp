#include "ops/roi_align/roi_align.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// [rois, channels, height, width]
Status set_pooled(InferContext& context, int64_t height, int64_t width, int64_t coordinates) {
  TRY(need_floating(context, 0));
  TRY(same_dtype(context, 0, 1));
  if (height < 1 || width < 1)
    return context.fail(fmt::format("its output is {} by {}", height, width));
  const Sizes *x = context.shape(0), *rois = context.shape(1);
  if (x && x->size() != 4) return context.fail("its input is not [batch, channels, height, width]");
  if (rois) {
    if (rois->size() != 2) return context.fail("the regions are no matrix");
    TRY(need_equal(context, (*rois)[1], Dim(coordinates), "a region has another number of values"));
  }
  const Dim count = rois ? (*rois)[0] : context.data_dim(0, 0);
  const Dim channels = x ? (*x)[1] : context.data_dim(0, 1);
  context.set(0, context.dtype(0), Sizes{count, channels, Dim(height), Dim(width)});
  return {};
}

Status infer_roi_align(InferContext& context) {
  const auto op = context.as<RoiAlign>();
  if (op.mode != "avg" && op.mode != "max")
    return context.fail("mode '" + op.mode + "' is neither avg nor max");
  if (op.coordinate_transformation_mode != "half_pixel" &&
      op.coordinate_transformation_mode != "output_half_pixel")
    return context.fail("coordinate_transformation_mode '" + op.coordinate_transformation_mode +
                        "' is not known");
  TRY(need_dtype(context, 2, DType::i64));
  return set_pooled(context, op.output_height, op.output_width, 4);
}

Status infer_max_roi_pool(InferContext& context) {
  const auto op = context.as<MaxRoiPool>();
  if (op.pooled_shape.size() != 2) return context.fail("pooled_shape needs two sizes");
  return set_pooled(context, op.pooled_shape[0], op.pooled_shape[1], 5);
}

}  // namespace

std::span<const ir::OpSpec> roi_align_op() {
  static constexpr ir::OpSpec specs[] = {spec<RoiAlign>(3, 3, infer_roi_align),
                                         spec<MaxRoiPool>(2, 2, infer_max_roi_pool)};
  return specs;
}

}  // namespace tenon::ops
