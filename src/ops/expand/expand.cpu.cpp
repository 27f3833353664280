// Expand as one strided copy with repeated axes.
#include <array>

#include "targets/cpu/copy.h"

namespace tenon::ops {
namespace expand_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::has_plain_elements(node.output()); }

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &in = context.in(0), &out = context.outputs[0];
  if (in.dims.size() > out.dims.size()) return context.refuse("a result of lower rank");
  cpu::StridedCopy copy{.width = bits(in.dtype) / 8, .dims = out.dims};
  copy.to = cpu::strides_of(out.dims);
  const Dims strides = cpu::strides_of(in.dims);
  const size_t missing = out.dims.size() - in.dims.size();
  for (size_t i = 0; i < out.dims.size(); ++i) {
    const int64_t size = i < missing ? 1 : in.dims[i - missing];
    if (size != 1 && size != out.dims[i]) return context.refuse("sizes that do not broadcast");
    copy.from.push_back(size == 1 ? 0 : strides[i - missing]);
  }
  return cpu::copying_kernel(copy, context.threads);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Expand", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace expand_kernels

std::span<const cpu::KernelSpec> expand_cpu() { return expand_kernels::kKernels; }

}  // namespace tenon::ops
