#include "ops/conv/lower_conv.h"

namespace tenon::ops {
namespace conv_transpose_lowering {

ir::Value* transposed(torch::LowerContext& c) {
  Convolution op;
  op.input = c.tensor("input");
  op.weight = c.tensor("weight");
  op.bias = c.tensor("bias");
  op.stride = c.constants("stride");
  op.padding = c.constants("padding");
  op.output_padding = c.constants("output_padding");
  op.dilation = c.constants("dilation");
  op.groups = c.constant("groups");
  op.transposed = true;
  return lower_convolution(c, std::move(op));
}

}  // namespace conv_transpose_lowering

std::span<const torch::Lowering> conv_transpose_torch() {
  using namespace conv_transpose_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::conv_transpose1d", transposed},
      {"aten::conv_transpose2d.input", transposed},
      {"aten::conv_transpose3d.input", transposed},
  };
  return kAll;
}

}  // namespace tenon::ops
