// torchvision.ops.nms: the numbers of the boxes that stay, best first.
#include "ops/non_max_suppression/non_max_suppression.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace nms_lowering {

using lower::V;
using torch::LowerContext;

V* nms(LowerContext& c) {
  V *boxes = c.tensor("dets"), *scores = c.tensor("scores");
  // ONNX takes single precision only.
  boxes = lower::unsqueeze(c, c.b.cast(boxes, DType::f32), {0});
  scores = lower::unsqueeze(c, c.b.cast(scores, DType::f32), {0, 1});
  constexpr int64_t kAll = std::numeric_limits<int32_t>::max();  // ONNX's default is none at all
  V* selected = c.b.emit(NonMaxSuppression{},
                         {boxes, scores, c.b.ints({kAll}),
                          lower::float_table(c, {c.number("iou_threshold")}, {1}, DType::f32)});
  return lower::squeeze(c, lower::slice(c, selected, 1, 2, 3), {1});
}

}  // namespace nms_lowering

std::span<const torch::Lowering> non_max_suppression_torch() {
  static constexpr torch::Lowering kAll[] = {{"torchvision::nms", nms_lowering::nms}};
  return kAll;
}

}  // namespace tenon::ops
