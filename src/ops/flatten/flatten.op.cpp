#include "ops/flatten/flatten.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_flatten(InferContext& context) {
  const Sizes* x = context.shape(0);
  keep_contents(context, 0, context.contents(0));
  if (x == nullptr) {
    context.set(0, context.dtype(0), data_sizes(context, 0, 2));
    return {};
  }
  const auto rank = static_cast<int64_t>(x->size());
  int64_t axis = context.as<Flatten>().axis;
  if (axis < -rank || axis > rank)
    return context.fail(fmt::format("axis {} of {}", axis, to_string(*x)));
  if (axis < 0) axis += rank;
  const auto middle = static_cast<size_t>(axis);
  const std::span<const Dim> all(*x);
  context.set(0, context.dtype(0),
              Sizes{ir::product(all.first(middle)), ir::product(all.subspan(middle))});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> flatten_op() {
  static constexpr ir::OpSpec specs[] = {spec<Flatten>(1, 1, infer_flatten)};
  return specs;
}

}  // namespace tenon::ops
