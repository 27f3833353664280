#include "ops/gather_nd/gather_nd.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_gather_nd(InferContext& context) {
  TRY(need_integer(context, 1));
  TRY(need_rank(context, 0, 1));
  TRY(need_rank(context, 1, 1));
  const int64_t batch = context.as<GatherND>().batch_dims;
  const Sizes* x = context.shape(0);
  const Sizes* indices = context.shape(1);
  if (x == nullptr || indices == nullptr || !indices->back().is_constant()) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  const int64_t depth = *indices->back().constant();
  const auto rank = static_cast<int64_t>(x->size());
  if (batch < 0 || batch >= rank || batch >= static_cast<int64_t>(indices->size()))
    return context.fail(fmt::format("batch_dims is {}", batch));
  if (depth < 1 || batch + depth > rank)
    return context.fail("an index has more elements than the data has dimensions");
  Sizes out(indices->begin(), indices->end() - 1);
  out.insert(out.end(), x->begin() + batch + depth, x->end());
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> gather_nd_op() {
  static constexpr ir::OpSpec specs[] = {spec<GatherND>(2, 2, infer_gather_nd)};
  return specs;
}

}  // namespace tenon::ops
