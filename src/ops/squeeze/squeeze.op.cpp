#include "ops/squeeze/squeeze.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_squeeze(InferContext& context) {
  const Sizes* x = context.shape(0);
  keep_contents(context, 0, context.contents(0));
  context.set(0, context.dtype(0), std::nullopt);
  if (x == nullptr) return {};
  std::vector<bool> goes(x->size(), false);
  if (context.has(1)) {
    const auto axes = context.constant_ints(1);
    if (!axes) {
      const auto count = vector_length(context, 1);
      if (count && *count <= x->size())
        context.set(0, context.dtype(0), data_sizes(context, 0, x->size() - *count));
      return {};
    }
    for (size_t axis : TRY(axes_of(context, *axes, x->size()))) {
      TRY(need_equal(context, (*x)[axis], Dim(1),
                     fmt::format("axis {} of {} has not size 1", axis, to_string(*x))));
      goes[axis] = true;
    }
  } else {
    for (size_t i = 0; i < x->size(); ++i) {
      if (!(*x)[i].is_constant()) return {};  // whether it goes depends on the data
      goes[i] = (*x)[i].is(1);
    }
  }
  Sizes out;
  for (size_t i = 0; i < x->size(); ++i) {
    if (!goes[i]) out.push_back((*x)[i]);
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

Status infer_unsqueeze(InferContext& context) {
  const Sizes* x = context.shape(0);
  keep_contents(context, 0, context.contents(0));
  const auto axes = context.constant_ints(1);
  const auto count = vector_length(context, 1);
  context.set(0, context.dtype(0), std::nullopt);
  if (x == nullptr) return {};
  if (!axes) {
    if (count) context.set(0, context.dtype(0), data_sizes(context, 0, x->size() + *count));
    return {};
  }
  const size_t rank = x->size() + axes->size();
  const auto places = TRY(axes_of(context, *axes, rank));
  Sizes out;
  size_t next = 0, from = 0;
  for (size_t i = 0; i < rank; ++i) {
    if (next < places.size() && places[next] == i) {
      out.push_back(1);
      ++next;
    } else {
      out.push_back((*x)[from++]);
    }
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> squeeze_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Squeeze>(1, 2, infer_squeeze),
      spec<Unsqueeze>(2, 2, infer_unsqueeze),
  };
  return specs;
}

}  // namespace tenon::ops
