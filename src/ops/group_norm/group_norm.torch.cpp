#include "ops/group_norm/group_norm.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace group_norm_lowering {

using lower::V;
using torch::LowerContext;

V* normalise(LowerContext& c, int64_t groups) {
  V *x = c.tensor("input"), *weight = c.tensor("weight"), *bias = c.tensor("bias");
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() < 2) return c.refuse("the input has fewer than two dimensions");
  if (!weight) weight = lower::filled(c, {sizes[1]}, 1, x->dtype());
  if (!bias) bias = lower::filled(c, {sizes[1]}, 0, x->dtype());
  GroupNormalization op;
  op.epsilon = static_cast<float>(c.number("eps"));
  op.num_groups = groups;
  const bool flat = sizes.size() == 2;  // ONNX wants at least one spatial dimension
  V* y = c.b.emit(op, {flat ? lower::unsqueeze(c, x, {2}) : x, c.b.cast(weight, x->dtype()),
                       c.b.cast(bias, x->dtype())});
  return flat ? lower::squeeze(c, y, {2}) : y;
}

V* plain(LowerContext& c) { return normalise(c, c.constant("num_groups")); }

// Also the mean and the inverse of the standard deviation of each group.
V* native(LowerContext& c) {
  const int64_t groups = c.constant("group");
  V* y = normalise(c, groups);
  if (c.refused()) return nullptr;
  V* x = c.tensor("input");
  const Sizes sizes = lower::sizes(c, x);
  if (groups < 1) return c.refuse("there are no groups");
  V* rows = lower::reshape(
      c, x, {sizes[0], groups, floordiv(ir::product(std::span(sizes).subspan(1)), groups)});
  V* mean = lower::reduce(c, "ReduceMean", rows, {2}, true);
  V* centred = lower::sub(c, rows, mean);
  V* variance = lower::reduce(c, "ReduceMean", lower::mul(c, centred, centred), {2}, false);
  V* deviation = c.b.emit_named("Sqrt", {lower::add(c, variance, c.scalar("eps", x->dtype()))});
  return c.give({y, lower::squeeze(c, mean, {2}), c.b.emit_named("Reciprocal", {deviation})});
}

}  // namespace group_norm_lowering

std::span<const torch::Lowering> group_norm_torch() {
  using namespace group_norm_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::group_norm", plain},
                                             {"aten::native_group_norm", native}};
  return kAll;
}

}  // namespace tenon::ops
