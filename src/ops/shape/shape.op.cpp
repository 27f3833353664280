#include "ops/shape/shape.h"

#include <algorithm>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_shape(InferContext& context) {
  const auto op = context.as<Shape>();
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, DType::i64, data_sizes(context, 0, 1));
    return {};
  }
  const auto rank = static_cast<int64_t>(x->size());
  auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(op.start), end = std::max(start, clamp(op.end.value_or(rank)));
  context.set(0, DType::i64, Sizes{end - start});
  context.set_contents(0, std::vector<Dim>(x->begin() + start, x->begin() + end));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> shape_op() {
  static constexpr ir::OpSpec specs[] = {spec<Shape>(1, 1, infer_shape)};
  return specs;
}

}  // namespace tenon::ops
