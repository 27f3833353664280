#include "ops/identity/identity.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_identity(InferContext& context) {
  keep_contents(context, 0, context.contents(0));
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> identity_op() {
  static constexpr ir::OpSpec specs[] = {spec<Identity>(1, 1, infer_identity)};
  return specs;
}

}  // namespace tenon::ops
