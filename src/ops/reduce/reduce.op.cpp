#include "ops/reduce/reduce.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class Op>
Result<std::optional<Sizes>> reduced_sizes(InferContext& context, bool& everything) {
  const auto op = context.as<Op>();
  const Sizes* x = context.shape(0);
  everything = false;
  if (x == nullptr) return std::optional<Sizes>();
  std::optional<std::vector<int64_t>> axes;
  if (context.has(1)) {
    axes = context.constant_ints(1);
    if (!axes) {  // which axes go is not known: the rank is, where they are kept
      if (!op.keepdims) return std::optional<Sizes>();
      return std::optional(data_sizes(context, 0, x->size()));
    }
  }
  std::vector<bool> goes(x->size(), !axes || axes->empty());
  if ((!axes || axes->empty()) && op.noop_with_empty_axes) return std::optional(*x);
  if (axes) {
    for (size_t axis : TRY(axes_of(context, *axes, x->size()))) goes[axis] = true;
  }
  Sizes out;
  everything = true;
  for (size_t i = 0; i < x->size(); ++i) {
    everything = everything && goes[i];
    if (!goes[i])
      out.push_back((*x)[i]);
    else if (op.keepdims)
      out.push_back(1);
  }
  return std::optional(std::move(out));
}

template <class Op>
Status infer_reduce(InferContext& context) {
  if constexpr (!std::is_same_v<Op, ReduceMax> && !std::is_same_v<Op, ReduceMin>)
    TRY(need_numeric(context, 0));
  bool everything = false;
  auto sizes = TRY(reduced_sizes<Op>(context, everything));
  context.set(0, context.dtype(0), std::move(sizes));
  const Contents all = flat_contents(context, 0);
  if (!everything || !all || all->empty() || !is_integral(context.dtype(0))) return {};
  Dim value = (*all)[0];
  for (size_t i = 1; i < all->size(); ++i) {
    const Dim& next = (*all)[i];
    if constexpr (std::is_same_v<Op, ReduceProd>)
      value = value * next;
    else if constexpr (std::is_same_v<Op, ReduceSum>)
      value = value + next;
    else if constexpr (std::is_same_v<Op, ReduceMin>)
      value = min(value, next);
    else if constexpr (std::is_same_v<Op, ReduceMax>)
      value = max(value, next);
    else
      return {};
  }
  constexpr bool symbolic = std::is_same_v<Op, ReduceProd> || std::is_same_v<Op, ReduceSum> ||
                            std::is_same_v<Op, ReduceMin> || std::is_same_v<Op, ReduceMax>;
  if (symbolic) keep_contents(context, 0, std::vector{value});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> reduce_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<ReduceMean>(1, 2, infer_reduce<ReduceMean>),
      spec<ReduceSum>(1, 2, infer_reduce<ReduceSum>),
      spec<ReduceMax>(1, 2, infer_reduce<ReduceMax>),
      spec<ReduceMin>(1, 2, infer_reduce<ReduceMin>),
      spec<ReduceProd>(1, 2, infer_reduce<ReduceProd>),
      spec<ReduceL1>(1, 2, infer_reduce<ReduceL1>),
      spec<ReduceL2>(1, 2, infer_reduce<ReduceL2>),
      spec<ReduceLogSum>(1, 2, infer_reduce<ReduceLogSum>),
      spec<ReduceLogSumExp>(1, 2, infer_reduce<ReduceLogSumExp>),
      spec<ReduceSumSquare>(1, 2, infer_reduce<ReduceSumSquare>),
  };
  return specs;
}

}  // namespace tenon::ops
