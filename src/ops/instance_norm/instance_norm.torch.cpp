#include "ops/instance_norm/instance_norm.h"

#include "ops/batch_norm/lower_batch_norm.h"
#include "ops/common/lower.h"

namespace tenon::ops {
namespace instance_norm_lowering {

ir::Value* instance_norm(torch::LowerContext& c) {
  ir::Value* x = c.tensor("input");
  ir::Value *weight = c.tensor("weight"), *bias = c.tensor("bias");
  if (!c.flag("use_input_stats")) {
    ir::Value *mean = c.tensor("running_mean"), *variance = c.tensor("running_var");
    if (!mean || !variance) return c.refuse("there are no running statistics to normalise by");
    return batch_norm_by_statistics(c, x, weight, bias, mean, variance, c.number("eps"));
  }
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() < 3) return c.refuse("the input has fewer than three dimensions");
  const Sizes channels{sizes[1]};
  if (!weight) weight = lower::filled(c, channels, 1, x->dtype());
  if (!bias) bias = lower::filled(c, channels, 0, x->dtype());
  InstanceNormalization op;
  op.epsilon = static_cast<float>(c.number("eps"));
  return c.b.emit(op, {x, weight, bias});
}

}  // namespace instance_norm_lowering

std::span<const torch::Lowering> instance_norm_torch() {
  static constexpr torch::Lowering kAll[] = {
      {"aten::instance_norm", instance_norm_lowering::instance_norm}};
  return kAll;
}

}  // namespace tenon::ops
