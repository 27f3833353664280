#include "ops/batch_norm/batch_norm.h"

#include "ops/batch_norm/lower_batch_norm.h"
#include "ops/common/lower.h"

namespace tenon::ops {
namespace batch_norm_lowering {

using lower::V;
using torch::LowerContext;

struct Normalised {
  V* y = nullptr;
  V *mean = nullptr, *inverse_deviation = nullptr;  // of the batch, one for each channel
  V* unbiased_variance = nullptr;
};

// Half types come with parameters of f32 or of their own type; statistics are as the parameters.
DType statistics_type(LowerContext& c) {
  for (const char* name : {"weight", "running_mean"}) {
    if (V* parameter = c.tensor(name)) return parameter->dtype();
  }
  return c.tensor("input")->dtype();
}

// Normalised by the batch itself. Half types are computed in f32, as PyTorch does.
Normalised by_batch(LowerContext& c) {
  V *given = c.tensor("input"), *weight = c.tensor("weight"), *bias = c.tensor("bias");
  const size_t rank = lower::rank(c, given);
  if (rank < 2) return {c.refuse("the input has fewer than two dimensions")};
  std::vector<int64_t> axes{0}, spread;
  for (size_t i = 2; i < rank; ++i) {
    axes.push_back(static_cast<int64_t>(i));
    spread.push_back(static_cast<int64_t>(i) - 1);
  }
  const DType type = given->dtype() == DType::f64 ? DType::f64 : DType::f32;
  V* x = c.b.cast(given, type);
  V* mean = lower::reduce(c, "ReduceMean", x, axes, true);
  V* centred = lower::sub(c, x, mean);
  V* variance = lower::reduce(c, "ReduceMean", lower::mul(c, centred, centred), axes, true);
  V* deviation =
      c.b.emit_named("Sqrt", {lower::add(c, variance, lower::like(c, x, c.number("eps")))});
  V* y = lower::div(c, centred, deviation);
  if (weight) y = lower::mul(c, y, lower::unsqueeze(c, c.b.cast(weight, type), spread));
  if (bias) y = lower::add(c, y, lower::unsqueeze(c, c.b.cast(bias, type), spread));
  V* n = lower::count(c, x, axes, type);
  V* unbiased = lower::mul(c, lower::squeeze(c, variance, axes),
                           lower::div(c, n, lower::sub(c, n, lower::like(c, n, 1))));
  const DType kept = statistics_type(c);
  return {c.b.cast(y, given->dtype()), c.b.cast(lower::squeeze(c, mean, axes), kept),
          c.b.cast(lower::squeeze(c, c.b.emit_named("Reciprocal", {deviation}), axes), kept),
          unbiased};
}

// (1 - momentum) * before + momentum * of the batch
V* blended(LowerContext& c, V* before, V* batch) {
  const double momentum = c.number("momentum");
  return lower::add(
      c, lower::mul(c, before, lower::like(c, before, 1 - momentum)),
      lower::mul(c, c.b.cast(batch, before->dtype()), lower::like(c, before, momentum)));
}

bool always_trains(const LowerContext& c) {
  return c.schema().name.starts_with("aten::_batch_norm_with_update");
}
bool trains(LowerContext& c) {
  if (always_trains(c)) return true;
  return c.has("training") && c.flag("training");
}

// Whether the batch's own statistics count: where there are no others, and in training. A model's
// layers keep running statistics in buffers; those in training mode come from a model that was
// saved without eval(), and are taken as in evaluation.
bool uses_batch(LowerContext& c) {
  V *mean = c.tensor("running_mean"), *variance = c.tensor("running_var");
  if (!mean || !variance) return true;
  if (!trains(c)) return false;
  if (!mean->is_constant() || !variance->is_constant()) return true;
  c.machine().notices.push_back(
      {"a batch normalisation was saved in training mode; it is converted as in evaluation, by "
       "its running statistics",
       ir::where(c.b.origin())});
  return false;
}

V* by_running(LowerContext& c) {
  return batch_norm_by_statistics(c, c.tensor("input"), c.tensor("weight"), c.tensor("bias"),
                                  c.tensor("running_mean"), c.tensor("running_var"),
                                  c.number("eps"));
}

// Changes the running statistics that a call in training was given.
void update(LowerContext& c, const char* name, V* batch) {
  const torch::TensorRef* target = c.value(name).get<torch::TensorRef>();
  if (!target || !trains(c)) return;
  if (auto written = c.machine().write(**target, blended(c, c.tensor(name), batch)); !written)
    c.b.fail(written.error());
}

V* normalise(LowerContext& c) {
  if (!uses_batch(c)) return by_running(c);
  const Normalised out = by_batch(c);
  if (c.refused()) return nullptr;
  update(c, "running_mean", out.mean);
  update(c, "running_var", out.unbiased_variance);
  return out.y;
}

// Results of the native forms after the first: the saved statistics, which are empty in evaluation,
// and the memory that only some devices' kernels reserve.
V* native(LowerContext& c) {
  const size_t results = c.schema().returns.size();
  const bool batch = uses_batch(c);
  const Normalised out = batch ? by_batch(c) : Normalised{by_running(c)};
  if (c.refused()) return nullptr;
  V* none = c.b.constant(Tensor::zeros(statistics_type(c), {0}));
  std::vector<V*> all{out.y, batch ? out.mean : none, batch ? out.inverse_deviation : none};
  const bool functional = c.schema().name.ends_with("_functional");
  if (results == (functional ? 6 : 4)) all.push_back(c.b.constant(Tensor::zeros(DType::u8, {0})));
  V *mean = c.tensor("running_mean"), *variance = c.tensor("running_var");
  if (functional && batch && trains(c)) {
    all.push_back(blended(c, mean, out.mean));
    all.push_back(blended(c, variance, out.unbiased_variance));
  } else if (functional) {
    all.push_back(mean);
    all.push_back(variance);
  } else if (batch) {
    update(c, "running_mean", out.mean);
    update(c, "running_var", out.unbiased_variance);
  }
  return c.give(std::move(all));
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
      {"aten::_native_batch_norm_legit", native},
      {"aten::_native_batch_norm_legit.no_stats", native},
      {"aten::_native_batch_norm_legit_functional", native},
      {"aten::_native_batch_norm_legit_no_training", native},
      {"aten::_batch_norm_no_update", native},
      {"aten::_batch_norm_with_update", native},
      {"aten::_batch_norm_with_update_functional", native},
  };
  return kAll;
}

}  // namespace tenon::ops
