#include "ops/nonzero/nonzero.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_nonzero(InferContext& context) {
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, DType::i64, data_sizes(context, 0, 2));
    return {};
  }
  const int64_t most = ir::product(*x).bounds(context.ranges()).max;
  context.set(0, DType::i64,
              Sizes{Dim(static_cast<int64_t>(x->size())),
                    context.data_dim(0, 1, {0, std::max<int64_t>(most, 0)})});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> nonzero_op() {
  static constexpr ir::OpSpec specs[] = {spec<NonZero>(1, 1, infer_nonzero)};
  return specs;
}

}  // namespace tenon::ops
