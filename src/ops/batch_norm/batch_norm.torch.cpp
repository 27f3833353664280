#include "ops/batch_norm/batch_norm.h"

#include "ops/batch_norm/lower_batch_norm.h"
#include "ops/common/lower.h"

namespace tenon::ops {
namespace batch_norm_lowering {

using torch::LowerContext;

// Normalised by the batch itself, as PyTorch does where there are no running statistics.
ir::Value* by_batch(LowerContext& c, ir::Value* x, ir::Value* weight, ir::Value* bias, double eps) {
  const size_t rank = lower::rank(c, x);
  if (rank < 2) return c.refuse("the input has fewer than two dimensions");
  std::vector<int64_t> axes{0}, spread;
  for (size_t i = 2; i < rank; ++i) {
    axes.push_back(static_cast<int64_t>(i));
    spread.push_back(static_cast<int64_t>(i) - 1);
  }
  ir::Value* centred = lower::sub(c, x, lower::reduce(c, "ReduceMean", x, axes, true));
  ir::Value* variance = lower::reduce(c, "ReduceMean", lower::mul(c, centred, centred), axes, true);
  ir::Value* y = lower::div(
      c, centred, c.b.emit_named("Sqrt", {lower::add(c, variance, lower::like(c, x, eps))}));
  if (weight) y = lower::mul(c, y, lower::unsqueeze(c, weight, spread));
  if (bias) y = lower::add(c, y, lower::unsqueeze(c, bias, spread));
  return y;
}

ir::Value* normalise(LowerContext& c) {
  ir::Value* x = c.tensor("input");
  const bool training = c.value("training").is_none() ? false : c.flag("training");
  ir::Value *mean = c.tensor("running_mean"), *variance = c.tensor("running_var");
  const double eps = c.number("eps");
  if (!mean || !variance) return by_batch(c, x, c.tensor("weight"), c.tensor("bias"), eps);
  if (training) {
    c.machine().notices.push_back(
        {"a batch normalisation was saved in training mode; it is converted as in evaluation, by "
         "its running statistics",
         ir::where(c.b.origin())});
  }
  return batch_norm_by_statistics(c, x, c.tensor("weight"), c.tensor("bias"), mean, variance, eps);
}

// The saved statistics that the native forms return as well are empty in evaluation.
ir::Value* native(LowerContext& c) {
  ir::Value* y = normalise(c);
  ir::Value* none = c.b.constant(Tensor::zeros(DType::f32, {0}));
  return c.give({y, none, none});
}

ir::Value* no_stats(LowerContext& c) {
  ir::Value* y =
      by_batch(c, c.tensor("input"), c.tensor("weight"), c.tensor("bias"), c.number("eps"));
  return c.give({y, nullptr, nullptr});
}

}  // namespace batch_norm_lowering

ir::Value* batch_norm_by_statistics(torch::LowerContext& c, ir::Value* x, ir::Value* weight,
                                    ir::Value* bias, ir::Value* mean, ir::Value* variance,
                                    double eps) {
  const Sizes channels = lower::sizes(c, mean);
  if (!weight) weight = lower::filled(c, channels, 1, x->dtype());
  if (!bias) bias = lower::filled(c, channels, 0, x->dtype());
  BatchNormalization op;
  op.epsilon = static_cast<float>(eps);
  return c.b.emit(op, {x, weight, bias, mean, variance});
}

std::span<const torch::Lowering> batch_norm_torch() {
  using namespace batch_norm_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::batch_norm", normalise},
      {"aten::native_batch_norm", native},
      {"aten::_native_batch_norm_legit_no_training", native},
      {"aten::_native_batch_norm_legit.no_stats", no_stats},
  };
  return kAll;
}

}  // namespace tenon::ops
