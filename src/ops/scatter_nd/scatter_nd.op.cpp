#include "ops/scatter_nd/scatter_nd.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_scatter_nd(InferContext& context) {
  TRY(need_integer(context, 1));
  if (context.dtype(0) != context.dtype(2)) return context.fail("data and updates differ in type");
  TRY(need_rank(context, 0, 1));
  TRY(need_rank(context, 1, 1));
  const Sizes* x = context.shape(0);
  const Sizes* indices = context.shape(1);
  if (x && indices && indices->back().is_constant() &&
      *indices->back().constant() > static_cast<int64_t>(x->size()))
    return context.fail("an index has more elements than the data has dimensions");
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> scatter_nd_op() {
  static constexpr ir::OpSpec specs[] = {spec<ScatterND>(3, 3, infer_scatter_nd)};
  return specs;
}

}  // namespace tenon::ops
