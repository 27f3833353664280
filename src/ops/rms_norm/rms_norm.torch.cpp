#include "ops/rms_norm/rms_norm.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace rms_norm_lowering {

using lower::V;
using torch::LowerContext;

// Where no epsilon is given: the type's own.
double epsilon(LowerContext& c, DType type) {
  if (c.has("eps")) return c.number("eps");
  switch (type) {
    case DType::f64:
      return 2.220446049250313e-16;
    case DType::f16:
      return 0.0009765625;
    case DType::bf16:
      return 0.0078125;
    default:
      return 1.1920928955078125e-07;
  }
}

V* rms_norm(LowerContext& c) {
  V *x = c.tensor("input"), *weight = c.tensor("weight");
  const Sizes normalised = c.ints("normalized_shape");
  if (normalised.empty() || lower::rank(c, x) < normalised.size())
    return c.refuse("normalized_shape does not fit the input");
  RMSNormalization op;
  op.axis = -static_cast<int64_t>(normalised.size());
  op.epsilon = static_cast<float>(epsilon(c, x->dtype()));
  if (!weight) weight = lower::filled(c, normalised, 1, x->dtype());
  V* y = c.b.emit(op, {x, c.b.cast(weight, x->dtype())});
  if (c.schema().returns.size() > 1) return c.give({y, nullptr});
  return y;
}

}  // namespace rms_norm_lowering

std::span<const torch::Lowering> rms_norm_torch() {
  using namespace rms_norm_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::rms_norm", rms_norm},
                                             {"aten::_fused_rms_norm", rms_norm}};
  return kAll;
}

}  // namespace tenon::ops
