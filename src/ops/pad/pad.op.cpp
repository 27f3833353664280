#include "ops/pad/pad.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_pad(InferContext& context) {
  const std::string mode = context.as<Pad>().mode;
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return context.fail("mode '" + mode + "' is not known");
  if (context.has(2) && context.dtype(2) != context.dtype(0))
    return context.fail("the constant has another type than the input");
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  std::vector<size_t> axes(x->size());
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = i;
  const auto given = context.constant_ints(3);
  const Contents pads = flat_contents(context, 1);
  if (!pads || (context.has(3) && !given)) {
    context.set(0, context.dtype(0), data_sizes(context, 0, x->size()));
    return {};
  }
  if (given) {
    TRY(axes_of(context, *given, x->size()));
    axes.clear();
    for (int64_t axis : *given) axes.push_back(TRY(axis_of(context, axis, x->size())));
  }
  if (pads->size() != 2 * axes.size())
    return context.fail(fmt::format("{} paddings for {} axes", pads->size(), axes.size()));
  Sizes out = *x;
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& size = out[axes[i]];
    size = size + (*pads)[i] + (*pads)[axes.size() + i];
    if (size.is_constant() && *size.constant() < 0)
      return context.fail("the negative padding is larger than the input " + to_string(*x));
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> pad_op() {
  static constexpr ir::OpSpec specs[] = {spec<Pad>(2, 4, infer_pad)};
  return specs;
}

}  // namespace tenon::ops
