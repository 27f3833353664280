// sin(pi x) / (pi x), 1 at 0.
#include <numbers>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace sinc_lowering {

using lower::V;
using torch::LowerContext;

V* sinc(LowerContext& c) {
  V* x = lower::floating(c, c.tensor("self"));
  V* angle = lower::mul(c, x, lower::like(c, x, std::numbers::pi));
  V* quotient = lower::div(c, c.b.emit_named("Sin", {angle}), angle);
  return lower::where(c, c.b.emit_named("Equal", {x, lower::like(c, x, 0)}), lower::like(c, x, 1),
                      quotient);
}

}  // namespace sinc_lowering

std::span<const torch::Lowering> sinc_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::sinc", sinc_lowering::sinc},
                                             {"aten::special_sinc", sinc_lowering::sinc}};
  return kAll;
}

}  // namespace tenon::ops
