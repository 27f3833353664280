// ConvTranspose: oneDNN's own, and as a matrix product.
#include "ops/conv_transpose/conv_transpose.h"

#include <array>

#include "ops/conv_transpose/conv_transpose.kernel.h"

namespace tenon::ops {
namespace conv_transpose_kernels {
namespace {

bool supports(const ir::Node& node) {
  const auto rank = node.input(0)->rank();
  const auto op = node.as<ConvTranspose>();
  return cpu::all_of_type(node, DType::f32) && rank && *rank >= 3 && *rank <= 5 &&
         !op.output_shape && (op.auto_pad == "NOTSET" || op.auto_pad == "VALID");
}

template <Result<cpu::Prepared> (*make_of)(cpu::MakeContext&, const cpu::onednn::Convolution&)>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<ConvTranspose>();
  const size_t n = context.in(0).dims.size() - 2;
  if (context.in(1).dims.size() != n + 2) return context.refuse("weights of another rank");
  auto all = [&](const std::vector<int64_t>& given, int64_t standard) {
    return given.empty() ? Dims(n, standard) : given;
  };
  cpu::onednn::Convolution conv{.transposed = true,
                                .group = op.group,
                                .strides = all(op.strides, 1),
                                .dilations = all(op.dilations, 1),
                                .pads_begin = Dims(n, 0),
                                .pads_end = Dims(n, 0)};
  if (op.auto_pad == "NOTSET" && op.pads.size() == 2 * n)
    conv.pads_begin.assign(op.pads.begin(), op.pads.begin() + static_cast<std::ptrdiff_t>(n));
  if (conv.strides.size() != n || conv.dilations.size() != n)
    return context.refuse("attributes that do not fit the inputs");
  return make_of(context, conv);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "ConvTranspose",
                    .tactic = "product",
                    .supports = supports,
                    .make = make<make_transposed_product>,
                    .timed = true},
    cpu::KernelSpec{.op = "ConvTranspose",
                    .tactic = "direct",
                    .supports = supports,
                    .make = make<cpu::onednn::convolution>,
                    .timed = true},
};

}  // namespace
}  // namespace conv_transpose_kernels

std::span<const cpu::KernelSpec> conv_transpose_cpu() { return conv_transpose_kernels::kKernels; }

}  // namespace tenon::ops
