#include "ops/expand/expand.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_expand(InferContext& context) {
  TRY(need_integer(context, 1));
  const Sizes* x = context.shape(0);
  const Contents target = flat_contents(context, 1);
  if (x == nullptr || !target) {
    const auto rank = vector_length(context, 1);
    context.set(0, context.dtype(0),
                x && rank ? std::optional(data_sizes(context, 0, std::max(*rank, x->size())))
                          : std::nullopt);
    return {};
  }
  Sizes out = TRY(broadcast_sizes(context, *x, *target));
  if (out.size() <= 1 && !is_floating(context.dtype(0))) {
    const Contents all = flat_contents(context, 0);
    const int64_t n = out.empty() ? 1 : out[0].constant().value_or(-1);
    if (all && all->size() == 1 && n >= 0 && n <= static_cast<int64_t>(kMaxContents))
      keep_contents(context, 0, std::vector<Dim>(static_cast<size_t>(n), (*all)[0]));
    else if (all && n == static_cast<int64_t>(all->size()))
      keep_contents(context, 0, all);
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> expand_op() {
  static constexpr ir::OpSpec specs[] = {spec<Expand>(2, 2, infer_expand)};
  return specs;
}

}  // namespace tenon::ops
