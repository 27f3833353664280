#include "ops/group_norm/group_norm.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_group_norm(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_rank(context, 0, 2));
  const int64_t groups = context.as<GroupNormalization>().num_groups;
  if (groups < 1) return context.fail(fmt::format("num_groups is {}", groups));
  if (const Sizes* x = context.shape(0)) {
    if ((*x)[1].is_constant() && *(*x)[1].constant() % groups != 0)
      return context.fail(
          fmt::format("{} groups do not divide {} channels", groups, (*x)[1].str()));
    for (size_t i : {size_t{1}, size_t{2}}) {
      if (const Sizes* parameter = context.shape(i); parameter && parameter->size() == 1)
        TRY(need_equal(context, (*parameter)[0], (*x)[1], "scale or bias is not one per channel"));
    }
  }
  return infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> group_norm_op() {
  static constexpr ir::OpSpec specs[] = {spec<GroupNormalization>(3, 3, infer_group_norm)};
  return specs;
}

}  // namespace tenon::ops
