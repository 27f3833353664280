#include "ops/non_max_suppression/non_max_suppression.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_non_max_suppression(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_floating(context, 1));
  int64_t most = ir::Interval::kMax;
  const Sizes *boxes = context.shape(0), *scores = context.shape(1);
  if (boxes) {
    if (boxes->size() != 3) return context.fail("boxes are not [batch, boxes, 4]");
    TRY(need_equal(context, (*boxes)[2], Dim(4), "a box has four coordinates"));
  }
  if (scores) {
    if (scores->size() != 3) return context.fail("scores are not [batch, classes, boxes]");
    if (boxes) {
      TRY(need_equal(context, (*boxes)[0], (*scores)[0], "boxes and scores differ in their batch"));
      TRY(need_equal(context, (*boxes)[1], (*scores)[2], "boxes and scores differ in number"));
    }
    most = ir::product(*scores).bounds(context.ranges()).max;
  }
  context.set(0, DType::i64,
              Sizes{context.data_dim(0, 0, {0, std::max<int64_t>(most, 0)}), Dim(3)});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> non_max_suppression_op() {
  static constexpr ir::OpSpec specs[] = {spec<NonMaxSuppression>(2, 5, infer_non_max_suppression)};
  return specs;
}

}  // namespace tenon::ops
