#include "ops/deform_conv/deform_conv.h"

#include "ops/common/infer.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

Status infer_deform_conv(InferContext& context) {
  const auto op = context.as<DeformConv>();
  TRY(need_floating(context, 0));
  const Sizes *x = context.shape(0), *w = context.shape(1), *offset = context.shape(2);
  if (x == nullptr || w == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  if (x->size() != 4 || w->size() != 4 || (offset && offset->size() != 4))
    return context.fail("only images of two spatial dimensions");
  if (op.group < 1 || op.offset_group < 1)
    return context.fail("group and offset_group must be positive");
  TRY(need_equal(context, (*x)[1], (*w)[1] * Dim(op.group),
                 "channels, weights and group do not fit each other"));
  std::vector<int64_t> kernel = op.kernel_shape;
  for (size_t i = kernel.size(); i < 2; ++i) {
    const auto size = (*w)[i + 2].constant();
    if (!size) return context.fail("the kernel's size must be known");
    kernel.push_back(*size);
  }
  auto window = make_window("NOTSET", kernel, op.strides, op.dilations, op.pads, 2);
  if (!window) return context.fail(window.error());
  context.set(0, context.dtype(0),
              Sizes{(*x)[0], (*w)[0], window->output((*x)[2], 0), window->output((*x)[3], 1)});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> deform_conv_op() {
  static constexpr ir::OpSpec specs[] = {spec<DeformConv>(3, 5, infer_deform_conv)};
  return specs;
}

}  // namespace tenon::ops
