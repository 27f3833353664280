// MaxPool and AveragePool by oneDNN.
#include <algorithm>
#include <array>

#include "ops/pool/pool.h"
#include "targets/cpu/kernel.h"
#include "targets/cpu/onednn.h"

namespace tenon::ops {
namespace pool_kernels {
namespace {

// The attributes that both share.
struct Window {
  Dims kernel, strides, pads;
  bool ceil_mode = false;
  bool plain = true;  // nothing that oneDNN cannot say
};

template <class Op>
Window window(const ir::Node& node) {
  const Op op = node.as<Op>();
  Window w{op.kernel_shape, op.strides, op.pads, op.ceil_mode};
  if (w.strides.empty()) w.strides.assign(w.kernel.size(), 1);
  if (w.pads.empty()) w.pads.assign(2 * w.kernel.size(), 0);
  w.plain = (op.auto_pad == "NOTSET" || op.auto_pad == "VALID") &&
            std::ranges::all_of(op.dilations, [](int64_t d) { return d == 1; });
  if (op.auto_pad == "VALID") w.pads.assign(2 * w.kernel.size(), 0);
  return w;
}

bool supports(const ir::Node& node) {
  const auto rank = node.input(0)->rank();
  return node.outputs().size() == 1 && cpu::all_of_type(node, DType::f32) && rank && *rank >= 3 &&
         *rank <= 5;
}

Result<cpu::Prepared> make_max(cpu::MakeContext& context) {
  const Window w = window<MaxPool>(context.node);
  if (!w.plain) return context.refuse("dilated windows or automatic padding");
  if (context.in(0).dims.size() != w.kernel.size() + 2 || w.pads.size() != 2 * w.kernel.size())
    return context.refuse("a kernel of another rank");
  return cpu::onednn::pooling(
      context, {.max = true,
                .kernel = w.kernel,
                .strides = w.strides,
                .pads_begin = Dims(w.pads.begin(),
                                   w.pads.begin() + static_cast<std::ptrdiff_t>(w.kernel.size()))});
}

Result<cpu::Prepared> make_average(cpu::MakeContext& context) {
  const Window w = window<AveragePool>(context.node);
  const auto op = context.node.as<AveragePool>();
  if (!w.plain) return context.refuse("dilated windows or automatic padding");
  const size_t n = w.kernel.size();
  if (context.in(0).dims.size() != n + 2 || w.pads.size() != 2 * n)
    return context.refuse("a kernel of another rank");
  // Where the last window hangs over the padding, its size counts what lies inside only: oneDNN
  // has no such average.
  for (size_t i = 0; i < n && op.count_include_pad; ++i) {
    const int64_t reach = (context.outputs[0].dims[i + 2] - 1) * w.strides[i] + w.kernel[i];
    if (reach > context.in(0).dims[i + 2] + w.pads[i] + w.pads[n + i])
      return context.refuse("windows that hang over the padding");
  }
  return cpu::onednn::pooling(
      context,
      {.max = false,
       .count_padding = op.count_include_pad,
       .kernel = w.kernel,
       .strides = w.strides,
       .pads_begin = Dims(w.pads.begin(), w.pads.begin() + static_cast<std::ptrdiff_t>(n))});
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "MaxPool", .tactic = "onednn", .supports = supports, .make = make_max},
    cpu::KernelSpec{
        .op = "AveragePool", .tactic = "onednn", .supports = supports, .make = make_average},
};

}  // namespace
}  // namespace pool_kernels

std::span<const cpu::KernelSpec> pool_cpu() { return pool_kernels::kKernels; }

}  // namespace tenon::ops
