// cpu.Conv: oneDNN's direct and Winograd convolutions, and the table of all tactics.
#include <algorithm>
#include <array>

#include "ops/conv/conv.kernels.h"
#include "targets/cpu/kernel.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/onednn.h"
#include "targets/cpu/post_op.h"

namespace tenon::ops {
namespace conv_kernels {
namespace {

using cpu::FusedConv;

Result<cpu::onednn::Convolution> description(const cpu::MakeContext& context) {
  const auto op = context.node.as<FusedConv>();
  const size_t n = op.strides.size();
  if (context.in(0).dims.size() != n + 2 || context.in(1).dims.size() != n + 2 ||
      op.pads.size() != 2 * n) {
    return context.refuse("attributes that do not fit the inputs");
  }
  cpu::onednn::Convolution conv;
  conv.group = op.group;
  conv.strides = op.strides;
  conv.dilations = op.dilations;
  conv.pads_begin.assign(op.pads.begin(), op.pads.begin() + static_cast<std::ptrdiff_t>(n));
  conv.pads_end.assign(op.pads.begin() + static_cast<std::ptrdiff_t>(n), op.pads.end());
  conv.post = cpu::decode(op.post);
  return conv;
}

Result<cpu::Prepared> make_direct(cpu::MakeContext& context) {
  const auto conv = TRY(description(context));
  return cpu::onednn::convolution(context, conv);
}
Result<cpu::Prepared> make_winograd(cpu::MakeContext& context) {
  auto conv = TRY(description(context));
  conv.winograd = true;
  return cpu::onednn::convolution(context, conv);
}
Result<cpu::Prepared> make_direct_padded(cpu::MakeContext& context) {
  auto conv = TRY(description(context));
  return make_padded(context, std::move(conv));
}
Result<cpu::Prepared> make_of_columns(cpu::MakeContext& context) {
  const auto conv = TRY(description(context));
  return make_product(context, conv);
}

// 3x3, stride 1, one group, and sizes that no run changes: oneDNN's packed weights fit one size.
bool suits_winograd(const ir::Node& node) {
  const auto op = node.as<FusedConv>();
  const auto& shape = node.input(0)->shape();
  const auto& weights = node.input(1);
  if (!shape || !ir::constant_dims(*shape) || !weights->is_constant() || op.group != 1)
    return false;
  const Dims& w = weights->constant->shape();
  return w.size() == 4 && w[2] == 3 && w[3] == 3 && w[1] >= 16 && w[0] >= 16 &&
         std::ranges::all_of(op.strides, [](int64_t s) { return s == 1; }) &&
         std::ranges::all_of(op.dilations, [](int64_t d) { return d == 1; });
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = FusedConv::kName,
                    .tactic = "direct",
                    .make = make_direct,
                    .domain = cpu::kDomain,
                    .timed = true},
    cpu::KernelSpec{.op = FusedConv::kName,
                    .tactic = "winograd",
                    .supports = suits_winograd,
                    .make = make_winograd,
                    .domain = cpu::kDomain,
                    .timed = true},
    cpu::KernelSpec{.op = FusedConv::kName,
                    .tactic = "winograd-tiles",
                    .supports = suits_tiles,
                    .make = make_tiles,
                    .domain = cpu::kDomain,
                    .timed = true},
    cpu::KernelSpec{.op = FusedConv::kName,
                    .tactic = "padded",
                    .make = make_direct_padded,
                    .domain = cpu::kDomain},
    cpu::KernelSpec{.op = FusedConv::kName,
                    .tactic = "product",
                    .make = make_of_columns,
                    .domain = cpu::kDomain},
};

}  // namespace
}  // namespace conv_kernels

std::span<const cpu::KernelSpec> conv_cpu() { return conv_kernels::kKernels; }

}  // namespace tenon::ops
