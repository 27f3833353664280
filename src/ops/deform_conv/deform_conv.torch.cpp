// torchvision.ops.deform_conv2d; its mask counts only with use_mask.
#include "ops/deform_conv/deform_conv.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace deform_lowering {

lower::V* deform_conv2d(torch::LowerContext& c) {
  lower::V* weight = c.tensor("weight");
  const Sizes sizes = lower::sizes(c, weight);
  if (sizes.size() != 4) return c.refuse("the weight has no four dimensions");
  const auto kh = sizes[2].constant(), kw = sizes[3].constant();
  if (!kh || !kw) return c.refuse("the kernel's size must be known");
  const int64_t pad_h = c.constant("pad_h"), pad_w = c.constant("pad_w");
  DeformConv op;
  op.kernel_shape = {*kh, *kw};
  op.strides = {c.constant("stride_h"), c.constant("stride_w")};
  op.dilations = {c.constant("dilation_h"), c.constant("dilation_w")};
  op.pads = {pad_h, pad_w, pad_h, pad_w};
  op.group = c.constant("groups");
  op.offset_group = c.constant("offset_groups");
  lower::V* mask = c.flag("use_mask") ? c.tensor("mask") : nullptr;
  return c.b.emit(op, {c.tensor("input"), weight, c.tensor("offset"), c.tensor("bias"), mask});
}

}  // namespace deform_lowering

std::span<const torch::Lowering> deform_conv_torch() {
  static constexpr torch::Lowering kAll[] = {
      {"torchvision::deform_conv2d", deform_lowering::deform_conv2d}};
  return kAll;
}

}  // namespace tenon::ops
