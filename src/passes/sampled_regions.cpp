#include "passes/sampled_regions.h"

#include "ops/common/emit.h"
#include "ops/roi_align/roi_align.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ir::Value;
using ops::Emit;

// Along one axis, for every region [k] its samples [k, bins * samples]: the pixels before and after
// each, i64, and how far it lies between them; both weights are zero outside of the image.
struct Samples {
  Value *before, *after, *weight_before, *weight_after;
};

Samples samples_along(const Emit& e, const ops::RoiAlign& op, Value* from, Value* to, int64_t bins,
                      int64_t pixels) {
  const int64_t samples = op.sampling_ratio;
  Value* size = e.op("Sub", {to, from});
  if (op.coordinate_transformation_mode != "half_pixel")
    size = e.op("Max", {size, e.number(size, 1)});
  Value* bin = e.op("Div", {size, e.number(size, static_cast<double>(bins))});
  Tensor steps = Tensor::zeros(DType::f32, {bins * samples});
  for (int64_t i = 0; i < bins * samples; ++i)
    steps.mutable_values<float>()[static_cast<size_t>(i)] =
        (static_cast<float>(i) + 0.5F) / static_cast<float>(samples);
  Value* at = e.op(
      "Add", {e.as_column(from), e.op("Mul", {e.as_column(bin), e.b.constant(std::move(steps))})});
  Value *zero = e.number(at, 0), *one = e.number(at, 1);
  Value* last = e.number(at, static_cast<double>(pixels - 1));
  // More than a pixel outside of the image, a sample counts as zero; up to there as the edge.
  Value* outside = e.op("Or", {e.op("Less", {at, e.number(at, -1)}),
                               e.op("Greater", {at, e.number(at, static_cast<double>(pixels))})});
  Value* inside = e.where(outside, zero, one);
  Value* place = e.op("Min", {e.op("Max", {at, zero}), last});
  Value* before = e.op("Floor", {place});
  Value* after = e.op("Min", {e.op("Add", {before, one}), last});
  Value* part = e.op("Sub", {place, before});
  return {e.b.cast(before, DType::i64), e.b.cast(after, DType::i64),
          e.op("Mul", {inside, e.op("Sub", {one, part})}), e.op("Mul", {inside, part})};
}

// The mean of the samples of each bin, [k, channels, bins, bins].
Value* regions(const Emit& e, const ops::RoiAlign& op, Value* image, Value* rois, Value* batch) {
  const auto& shape = *image->shape();
  const int64_t height = *shape[2].constant(), width = *shape[3].constant();
  const int64_t samples = op.sampling_ratio, rows = op.output_height, columns = op.output_width;
  Value* boxes = e.b.cast(rois, DType::f32);
  boxes = e.op("Mul", {boxes, e.number(boxes, static_cast<double>(op.spatial_scale))});
  if (op.coordinate_transformation_mode == "half_pixel")
    boxes = e.op("Sub", {boxes, e.number(boxes, 0.5)});
  const auto corner = [&](int64_t i) { return e.column(boxes, e.integer(i)); };
  const Samples y = samples_along(e, op, corner(1), corner(3), rows, height);
  const Samples x = samples_along(e, op, corner(0), corner(2), columns, width);
  // Pixels are rows of a table, one image after the other.
  const auto channels = *shape[1].constant();
  Value* table = e.b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 2, 3, 1}}, {image});
  table = e.op("Reshape", {table, e.b.ints({-1, channels})});
  Value* first = e.op("Mul", {e.b.cast(batch, DType::i64), e.integer(height * width)});
  first = e.op("Unsqueeze", {first, e.b.ints({1, 2})});
  const auto weighted = [&](Value* row, Value* column, Value* row_weight, Value* column_weight) {
    Value* start = e.op("Add", {first, e.op("Mul", {e.as_column(row), e.integer(width)})});
    Value* pixels =
        e.b.emit(ops::Gather{.axis = 0}, {table, e.op("Add", {start, e.as_row(column)})});
    Value* weight = e.op("Mul", {e.as_column(row_weight), e.as_row(column_weight)});
    return e.op("Mul", {pixels, e.b.cast(e.as_column(weight), image->dtype())});
  };
  Value* sum = e.op("Add", {weighted(y.before, x.before, y.weight_before, x.weight_before),
                            weighted(y.before, x.after, y.weight_before, x.weight_after)});
  sum = e.op("Add", {sum, weighted(y.after, x.before, y.weight_after, x.weight_before)});
  sum = e.op("Add", {sum, weighted(y.after, x.after, y.weight_after, x.weight_after)});
  Value* bins = e.op("Reshape", {sum, e.b.ints({-1, rows, samples, columns, samples, channels})});
  Value* mean =
      e.b.emit_with("ReduceMean", {{"keepdims", int64_t{0}}, {"noop_with_empty_axes", int64_t{0}}},
                    {bins, e.b.ints({2, 4})});
  return e.b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 3, 1, 2}}, {mean});
}

}  // namespace

Status compose_roi_align(ir::Graph& graph, const PassContext& context) {
  for (ir::Node* node : snapshot(graph)) {
    if (!node->is("RoiAlign")) continue;
    const auto op = node->as<ops::RoiAlign>();
    const auto& shape = node->input(0)->shape();
    if (op.sampling_ratio < 1 || op.mode != "avg" || !shape || shape->size() != 4) continue;
    const bool fixed = (*shape)[1].constant() && (*shape)[2].constant() && (*shape)[3].constant();
    if (!fixed) continue;
    ir::Builder b = builder_before(*node, context);
    Value* all = regions(Emit{b}, op, node->input(0), node->input(1), node->input(2));
    TRY(b.status());
    replace_node(*node, b, std::vector<Value*>{all});
  }
  graph.remove_dead();
  return {};
}

}  // namespace tenon::passes
