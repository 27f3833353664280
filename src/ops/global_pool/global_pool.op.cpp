#include "ops/global_pool/global_pool.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_global_pool(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_rank(context, 0, 2));
  std::optional<Sizes> out = context.input(0)->shape();
  if (out) {
    for (size_t i = 2; i < out->size(); ++i) (*out)[i] = 1;
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> global_pool_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<GlobalAveragePool>(1, 1, infer_global_pool),
      spec<GlobalMaxPool>(1, 1, infer_global_pool),
  };
  return specs;
}

}  // namespace tenon::ops
