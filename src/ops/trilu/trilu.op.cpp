#include "ops/trilu/trilu.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_trilu(InferContext& context) {
  TRY(need_rank(context, 0, 2));
  TRY(need_dtype(context, 1, DType::i64));
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> trilu_op() {
  static constexpr ir::OpSpec specs[] = {spec<Trilu>(1, 2, infer_trilu)};
  return specs;
}

}  // namespace tenon::ops
