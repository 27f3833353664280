// The gradient of dropout. Dropout itself is a view in evaluation (torch/views.cpp).
#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace dropout_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

V* backward(LowerContext& c) {
  const Expr gradient = Expr::argument(c, "grad_output"), mask = Expr::argument(c, "mask");
  return (gradient * (mask.to(gradient.dtype()) * Expr::argument(c, "scale"))).result();
}

}  // namespace dropout_lowering

std::span<const torch::Lowering> dropout_torch() {
  using namespace dropout_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::native_dropout_backward", backward}};
  return kAll;
}

}  // namespace tenon::ops
