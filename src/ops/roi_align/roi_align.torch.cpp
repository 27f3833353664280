// torchvision's pooling of regions of interest. Regions are rows of (image, x1, y1, x2, y2).
#include "ops/roi_align/roi_align.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace roi_lowering {

using ir::Dim;

using lower::V;
using torch::LowerContext;

// The regions' coordinates, in pixels of the input. A scale that data decides is applied to them, a
// known one is left to the operator.
struct Scaled {
  V* corners;
  float scale;
};
Scaled scaled(LowerContext& c, V* rois) {
  V* corners = lower::slice(c, rois, 1, 1, 5);
  const torch::Float* scale = c.value("spatial_scale").get<torch::Float>();
  if (scale == nullptr || scale->is_known())
    return {corners, static_cast<float>(c.number("spatial_scale"))};
  return {lower::mul(c, corners, c.scalar("spatial_scale", corners->dtype())), 1};
}

V* aligned_pool(LowerContext& c, bool half_pixel, int64_t height, int64_t width) {
  V *x = c.tensor("input"), *rois = c.tensor("rois");
  RoiAlign op;
  op.coordinate_transformation_mode = half_pixel ? "half_pixel" : "output_half_pixel";
  op.output_height = height;
  op.output_width = width;
  op.sampling_ratio = std::max<int64_t>(c.constant("sampling_ratio"), 0);
  const Scaled regions = scaled(c, rois);
  op.spatial_scale = regions.scale;
  V* image = lower::squeeze(c, lower::slice(c, rois, 1, 0, 1), {1});
  return c.b.emit(op, {x, regions.corners, c.b.cast(image, DType::i64)});
}

V* roi_align(LowerContext& c) {
  return aligned_pool(c, c.flag("aligned"), c.constant("pooled_height"),
                      c.constant("pooled_width"));
}

// Each place of the grid pools its own channels: all are pooled, and each place's are picked out.
V* ps_roi_align(LowerContext& c) {
  const int64_t height = c.constant("pooled_height"), width = c.constant("pooled_width");
  V* all = aligned_pool(c, true, height, width);  // [k, channels * height * width, height, width]
  const Sizes sizes = lower::sizes(c, all);
  if (sizes.size() != 4) return all;
  const auto channels = sizes[1].constant();
  if (!channels || *channels % (height * width) != 0)
    return c.refuse("the number of channels is no multiple of the pooled places");
  const int64_t out = *channels / (height * width), places = height * width;
  // Flat, [k, channels * places]: channel (o, place) at its own place.
  std::vector<int64_t> picked, mapping;
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t p = 0; p < places; ++p) {
      picked.push_back((o * places + p) * places + p);
      mapping.push_back(o * places + p);
    }
  }
  V* flat = lower::reshape(c, all, {sizes[0], Dim(*channels * places)});
  const auto count = static_cast<int64_t>(picked.size());
  V* pooled = lower::reshape(c, lower::gather(c, flat, lower::int_table(c, picked, {count}), 1),
                             {sizes[0], Dim(out), Dim(height), Dim(width)});
  V* channel = c.b.cast(lower::int_table(c, mapping, {1, out, height, width}), DType::i32);
  return c.give({pooled, lower::expand(c, channel, {sizes[0], Dim(out), Dim(height), Dim(width)})});
}

V* roi_pool(LowerContext& c) {
  MaxRoiPool op;
  op.pooled_shape = {c.constant("pooled_height"), c.constant("pooled_width")};
  V* rois = c.tensor("rois");
  const Scaled regions = scaled(c, rois);
  op.spatial_scale = regions.scale;
  if (regions.scale == 1)
    rois = c.b.emit_with("Concat", {{"axis", int64_t{1}}},
                         {lower::slice(c, rois, 1, 0, 1), regions.corners});
  // The second result, where each maximum was, serves the backward pass only.
  return c.give({c.b.emit(op, {c.tensor("input"), rois}), nullptr});
}

}  // namespace roi_lowering

std::span<const torch::Lowering> roi_align_torch() {
  static constexpr torch::Lowering kAll[] = {
      {"torchvision::roi_align", roi_lowering::roi_align},
      {"torchvision::ps_roi_align", roi_lowering::ps_roi_align},
      {"torchvision::roi_pool", roi_lowering::roi_pool},
  };
  return kAll;
}

}  // namespace tenon::ops
