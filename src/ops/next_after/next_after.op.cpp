#include "ops/next_after/next_after.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_next_after(InferContext& context) {
  TRY(need_floating(context, 0));
  return infer_broadcast(context);
}

}  // namespace

std::span<const ir::OpSpec> next_after_op() {
  static constexpr ir::OpSpec specs[] = {{.name = NextAfter::kName,
                                          .min_inputs = 2,
                                          .max_inputs = 2,
                                          .infer = infer_next_after,
                                          .check_attributes = &ir::attributes_of<NextAfter>,
                                          .domain = NextAfter::kDomain}};
  return specs;
}

}  // namespace tenon::ops
