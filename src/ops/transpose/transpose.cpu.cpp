// Transpose as one strided copy.
#include <array>

#include "ops/transpose/transpose.h"
#include "targets/cpu/copy.h"

namespace tenon::ops {
namespace transpose_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::has_plain_elements(node.output()); }

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &in = context.in(0), &out = context.outputs[0];
  const auto perm = context.node.as<Transpose>().perm;
  const size_t rank = in.dims.size();
  if (perm && perm->size() != rank) return context.refuse("perm does not fit the input");
  const Dims strides = cpu::strides_of(in.dims);
  cpu::StridedCopy copy{.width = bits(in.dtype) / 8, .dims = out.dims};
  copy.to = cpu::strides_of(out.dims);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t axis = perm ? (*perm)[i] : static_cast<int64_t>(rank - 1 - i);
    const auto from = static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
    if (from >= rank || in.dims[from] != out.dims[i]) return context.refuse("perm out of range");
    copy.from.push_back(strides[from]);
  }
  return cpu::copying_kernel(copy, context.threads);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Transpose", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace transpose_kernels

std::span<const cpu::KernelSpec> transpose_cpu() { return transpose_kernels::kKernels; }

}  // namespace tenon::ops
