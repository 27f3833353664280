#include "ops/conv/conv.h"

#include "ops/common/infer.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

Status infer_conv(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(same_dtype(context, 0, 2));
  TRY(need_rank(context, 0, 3));
  const auto conv = context.as<Conv>();
  const Sizes* x = context.shape(0);
  const Sizes* w = context.shape(1);
  if (x == nullptr && w == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  const size_t rank = x ? x->size() : w->size();
  if (rank < 3 || (w && w->size() != rank))
    return context.fail(fmt::format("input {} and weights {} have other numbers of dimensions",
                                    x ? to_string(*x) : "?", w ? to_string(*w) : "?"));
  if (conv.group < 1) return context.fail(fmt::format("group is {}", conv.group));
  if (x && w) {
    TRY(need_equal(context, (*x)[1], (*w)[1] * Dim(conv.group),
                   "the input's channels are not the weights' channels times group"));
  }
  if (w && (*w)[0].is_constant() && *(*w)[0].constant() % conv.group != 0)
    return context.fail("group does not divide the output channels");
  if (const Sizes* bias = context.shape(2); bias && w) {
    if (bias->size() != 1) return context.fail("the bias is not a vector");
    TRY(need_equal(context, (*bias)[0], (*w)[0], "the bias has another size than the channels"));
  }
  std::vector<int64_t> kernel = conv.kernel_shape;
  if (w) {
    for (size_t i = 2; i < rank; ++i) {
      const auto size = (*w)[i].constant();
      if (kernel.size() < rank - 2 && conv.kernel_shape.empty() && size) kernel.push_back(*size);
      if (size && kernel.size() > i - 2 && kernel[i - 2] != *size)
        return context.fail("kernel_shape is not the weights' shape");
    }
  }
  auto window =
      make_window(conv.auto_pad, kernel, conv.strides, conv.dilations, conv.pads, rank - 2);
  if (!window) return context.fail(window.error());
  Sizes out;
  out.push_back(x ? (*x)[0] : context.data_dim(0, 0));
  out.push_back(w ? (*w)[0] : context.data_dim(0, 1));
  for (size_t i = 0; i < rank - 2; ++i) {
    out.push_back(x ? window->output((*x)[i + 2], i) : context.data_dim(0, i + 2));
    if (auto size = out.back().constant(); size && *size < 0)
      return context.fail(fmt::format("the window is larger than the padded input {} at axis {}",
                                      to_string(*x), i + 2));
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> conv_op() {
  static constexpr ir::OpSpec specs[] = {spec<Conv>(2, 3, infer_conv)};
  return specs;
}

}  // namespace tenon::ops
