#include "ops/conv/conv.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/common/lower.h"
#include "ops/conv/lower_conv.h"
#include "ops/conv_transpose/conv_transpose.h"

namespace tenon::ops {
namespace conv_lowering {

using torch::LowerContext;

// PyTorch takes one number for all axes.
bool fit(LowerContext& c, std::vector<int64_t>& values, size_t rank, int64_t fallback,
         const char* what) {
  if (values.empty()) values = {fallback};
  if (values.size() == 1) values.resize(rank, values[0]);
  if (values.size() == rank) return true;
  c.refuse(fmt::format("{} numbers for {} over {} spatial dimensions", values.size(), what, rank));
  return false;
}

// Padding before and after each axis.
std::optional<std::vector<int64_t>> pads_of(LowerContext& c, Convolution& op,
                                            const std::vector<int64_t>& kernel) {
  const size_t rank = kernel.size();
  std::vector<int64_t> pads(2 * rank, 0);
  if (op.padding_mode == "same") {
    for (size_t i = 0; i < rank; ++i) {
      if (op.stride[i] != 1) {
        c.refuse("padding='same' needs stride 1");
        return std::nullopt;
      }
      const int64_t total = op.dilation[i] * (kernel[i] - 1);
      pads[i] = total / 2;
      pads[rank + i] = total - total / 2;
    }
  } else if (op.padding_mode.empty()) {
    if (!fit(c, op.padding, rank, 0, "padding")) return std::nullopt;
    std::copy(op.padding.begin(), op.padding.end(), pads.begin());
    std::copy(op.padding.begin(), op.padding.end(), pads.begin() + static_cast<ptrdiff_t>(rank));
  } else if (op.padding_mode != "valid") {
    c.refuse("padding '" + op.padding_mode + "' is neither 'same' nor 'valid'");
    return std::nullopt;
  }
  return pads;
}

Convolution common(LowerContext& c) {
  Convolution op;
  op.input = c.tensor("input");
  op.weight = c.tensor("weight");
  op.bias = c.tensor("bias");
  op.stride = c.constants("stride");
  op.dilation = c.constants("dilation");
  op.groups = c.constant("groups");
  if (c.value("padding").is<std::string>())
    op.padding_mode = c.text("padding");
  else
    op.padding = c.constants("padding");
  return op;
}

ir::Value* plain(LowerContext& c) { return lower_convolution(c, common(c)); }

ir::Value* general(LowerContext& c) {
  Convolution op = common(c);
  op.transposed = c.flag("transposed");
  if (op.transposed) op.output_padding = c.constants("output_padding");
  return lower_convolution(c, std::move(op));
}

}  // namespace conv_lowering

ir::Value* lower_convolution(torch::LowerContext& c, Convolution op) {
  using namespace conv_lowering;
  const Sizes weight = lower::sizes(c, op.weight);
  if (weight.size() < 3) return c.refuse("the weight has fewer than three dimensions");
  const size_t rank = weight.size() - 2;
  const auto kernel = ir::constant_dims(Sizes(weight.begin() + 2, weight.end()));
  if (!kernel) {
    return c.refuse("the kernel's size depends on the input", "fix the dimension with --shapes");
  }
  if (!fit(c, op.stride, rank, 1, "stride") || !fit(c, op.dilation, rank, 1, "dilation"))
    return nullptr;
  const auto pads = pads_of(c, op, *kernel);
  if (!pads) return nullptr;
  std::vector<ir::Value*> tail{op.weight};
  if (op.bias) tail.push_back(op.bias);
  return lower::batched(c, op.input, rank + 2, [&](ir::Value* x) -> std::vector<ir::Value*> {
    std::vector<ir::Value*> inputs{x};
    inputs.insert(inputs.end(), tail.begin(), tail.end());
    if (!op.transposed) {
      Conv conv;
      conv.dilations = op.dilation;
      conv.group = op.groups;
      conv.kernel_shape = *kernel;
      conv.pads = *pads;
      conv.strides = op.stride;
      return {c.b.emit(conv, std::move(inputs))};
    }
    if (!fit(c, op.output_padding, rank, 0, "output_padding")) return {nullptr};
    ConvTranspose conv;
    conv.dilations = op.dilation;
    conv.group = op.groups;
    conv.kernel_shape = *kernel;
    conv.output_padding = op.output_padding;
    conv.pads = *pads;
    conv.strides = op.stride;
    return {c.b.emit(conv, std::move(inputs))};
  });
}

std::span<const torch::Lowering> conv_torch() {
  using namespace conv_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::conv1d", plain},
      {"aten::conv2d", plain},
      {"aten::conv3d", plain},
      {"aten::conv1d.padding", plain},
      {"aten::conv2d.padding", plain},
      {"aten::conv3d.padding", plain},
      {"aten::_convolution", general},
      {"aten::_convolution.deprecated", general},
      {"aten::convolution", general},
      {"aten::convolution_overrideable", general},
      {"aten::_convolution_mode", plain},
  };
  return kAll;
}

}  // namespace tenon::ops
