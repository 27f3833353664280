#include "ops/clip/clip.h"

#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace clip_lowering {

using lower::V;
using torch::LowerContext;

V* clip(LowerContext& c, V* x, V* low, V* high) {
  std::vector<V*> inputs{x, low};
  if (high) inputs.push_back(high);
  return c.b.emit(Clip{}, std::move(inputs));
}

V* between(LowerContext& c, std::string_view low, std::string_view high) {
  const DType type = c.promoted({"self", low, high});
  V* x = c.operand("self", type);
  return clip(c, x, c.has(low) ? c.scalar(low, type) : nullptr,
              c.has(high) ? c.scalar(high, type) : nullptr);
}

V* clamp(LowerContext& c) { return between(c, "min", "max"); }
V* clamp_min(LowerContext& c) { return between(c, "min", ""); }
V* clamp_max(LowerContext& c) { return between(c, "", "max"); }
// In the tensor's own type, to which the bounds are cut.
V* hardtanh(LowerContext& c) {
  V* x = c.tensor("self");
  if (x->dtype() == DType::boolean) return c.refuse("PyTorch has no hardtanh of booleans");
  return clip(c, x, c.scalar("min_val", x->dtype()), c.scalar("max_val", x->dtype()));
}
V* relu6(LowerContext& c) {
  V* x = c.tensor("self");
  return clip(c, x, lower::like(c, x, 0), lower::like(c, x, 6));
}

// Bounds of any shape: max(x, min), then min(.., max).
V* clamp_tensor(LowerContext& c) {
  const DType type = c.promoted({"self", "min", "max"});
  lower::Expr x(c, c.operand("self", type));
  if (c.has("min")) x = x.call("maximum", {lower::Expr(c, c.operand("min", type))});
  if (c.has("max")) x = x.call("minimum", {lower::Expr(c, c.operand("max", type))});
  return x.result();
}

}  // namespace clip_lowering

std::span<const torch::Lowering> clip_torch() {
  using namespace clip_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::clamp", clamp},
      {"aten::clip", clamp},
      {"aten::clamp.Tensor", clamp_tensor},
      {"aten::clip.Tensor", clamp_tensor},
      {"aten::clamp_min", clamp_min},
      {"aten::clamp_min.Tensor", clamp_tensor},
      {"aten::clamp_max", clamp_max},
      {"aten::clamp_max.Tensor", clamp_tensor},
      {"aten::hardtanh", hardtanh},
      {"aten::relu6", relu6},
  };
  return kAll;
}

}  // namespace tenon::ops
