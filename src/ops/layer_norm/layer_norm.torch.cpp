#include "ops/layer_norm/layer_norm.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace layer_norm_lowering {

using lower::V;
using torch::LowerContext;

V* lower_with(LowerContext& c, size_t outputs) {
  V *x = c.tensor("input"), *weight = c.tensor("weight"), *bias = c.tensor("bias");
  const Sizes normalised = c.ints("normalized_shape");
  if (normalised.empty() || lower::rank(c, x) < normalised.size())
    return c.refuse("normalized_shape does not fit the input");
  if (!weight) weight = lower::filled(c, normalised, 1, x->dtype());
  LayerNormalization op;
  op.axis = -static_cast<int64_t>(normalised.size());
  op.epsilon = static_cast<float>(c.number("eps"));
  std::vector<V*> inputs{x, c.b.cast(weight, x->dtype())};
  if (bias) inputs.push_back(c.b.cast(bias, x->dtype()));
  // Mean and deviation are f32 where x and the weights are of different types, else of theirs.
  V* given = c.tensor("weight");
  const DType kept = given && given->dtype() != x->dtype() ? DType::f32 : x->dtype();
  std::vector<V*> all = c.b.emit_n(op, std::move(inputs), outputs);
  for (size_t i = 1; i < all.size(); ++i) all[i] = c.b.cast(all[i], kept);
  return c.give(std::move(all));
}

V* plain(LowerContext& c) { return lower_with(c, 1); }
V* native(LowerContext& c) { return lower_with(c, 3); }

}  // namespace layer_norm_lowering

std::span<const torch::Lowering> layer_norm_torch() {
  using namespace layer_norm_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::layer_norm", plain},
                                             {"aten::native_layer_norm", native}};
  return kAll;
}

}  // namespace tenon::ops
