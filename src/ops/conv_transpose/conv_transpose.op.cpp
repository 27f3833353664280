#include "ops/conv_transpose/conv_transpose.h"

#include "ops/common/infer.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

Status infer_conv_transpose(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(same_dtype(context, 0, 2));
  TRY(need_rank(context, 0, 3));
  const auto op = context.as<ConvTranspose>();
  const Sizes* x = context.shape(0);
  const Sizes* w = context.shape(1);
  if (x == nullptr || w == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  if (x->size() != w->size())
    return context.fail(fmt::format("input {} and weights {} have other numbers of dimensions",
                                    to_string(*x), to_string(*w)));
  if (op.group < 1) return context.fail(fmt::format("group is {}", op.group));
  TRY(need_equal(context, (*x)[1], (*w)[0], "the input's channels are not the weights'"));
  const size_t rank = x->size() - 2;
  std::vector<int64_t> kernel = op.kernel_shape;
  if (kernel.empty()) {
    for (size_t i = 0; i < rank; ++i) {
      const auto size = (*w)[i + 2].constant();
      if (!size) return context.fail("neither kernel_shape nor the weights' shape is known");
      kernel.push_back(*size);
    }
  }
  auto window = make_window(op.auto_pad, kernel, op.strides, op.dilations, op.pads, rank);
  if (!window) return context.fail(window.error());
  std::vector<int64_t> extra = op.output_padding;
  if (extra.empty()) extra.assign(rank, 0);
  if (extra.size() != rank ||
      (op.output_shape && op.output_shape->size() != rank && op.output_shape->size() != rank + 2))
    return context.fail("output_padding or output_shape has the wrong length");
  Sizes out{(*x)[0], (*w)[1] * Dim(op.group)};
  for (size_t i = 0; i < rank; ++i) {
    if (op.output_shape) {
      out.push_back((*op.output_shape)[op.output_shape->size() - rank + i]);
    } else if (window->same()) {
      out.push_back((*x)[i + 2] * Dim(window->strides[i]));
    } else {
      out.push_back(Dim(window->strides[i]) * ((*x)[i + 2] - Dim(1)) +
                    Dim(extra[i] + window->extent(i) - window->pads[i] - window->pads[i + rank]));
    }
    if (auto size = out.back().constant(); size && *size < 0)
      return context.fail("the padding is larger than the output");
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> conv_transpose_op() {
  static constexpr ir::OpSpec specs[] = {spec<ConvTranspose>(2, 3, infer_conv_transpose)};
  return specs;
}

}  // namespace tenon::ops
