// The gradient of dropout. Dropout itself is a view in evaluation (torch/views.cpp).
#include "ops/common/lower.h"

namespace tenon::ops {
namespace dropout_lowering {

using lower::V;
using torch::LowerContext;

V* backward(LowerContext& c) {
  V* gradient = c.tensor("grad_output");
  V* kept = c.b.cast(c.tensor("mask"), gradient->dtype());
  return lower::mul(c, gradient, lower::mul(c, kept, c.scalar("scale", gradient->dtype())));
}

}  // namespace dropout_lowering

std::span<const torch::Lowering> dropout_torch() {
  using namespace dropout_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::native_dropout_backward", backward}};
  return kAll;
}

}  // namespace tenon::ops
