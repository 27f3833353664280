// Split as one strided copy for each part.
#include <array>

#include "ir/op.h"
#include "ops/split/split.h"
#include "targets/cpu/copy.h"

namespace tenon::ops {
namespace split_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::has_plain_elements(node.input(0)); }

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc& in = context.in(0);
  const auto axis_or = ir::normalize_axis(context.node.as<Split>().axis, in.dims.size());
  if (!axis_or) return context.refuse("an axis out of range");
  const size_t axis = *axis_or;
  const Dims strides = cpu::strides_of(in.dims);
  std::vector<cpu::StridedCopy> copies;
  int64_t at = 0;
  for (const cpu::Desc& out : context.outputs) {
    // Sizes of parts that nobody uses are not known here: the reference kernel knows them.
    if (!out.present()) return context.refuse("parts that are not used");
    if (out.dims.size() != in.dims.size()) return context.refuse("parts of another rank");
    copies.push_back(cpu::prepared({.width = bits(in.dtype) / 8,
                                    .dims = out.dims,
                                    .from = strides,
                                    .to = cpu::strides_of(out.dims),
                                    .from_offset = at * strides[axis]}));
    at += out.dims[axis];
  }
  if (at != in.dims[axis]) return context.refuse("parts that do not add up");
  cpu::Prepared prepared;
  prepared.run = [copies, threads = context.threads](const cpu::Args& args) {
    for (size_t i = 0; i < copies.size(); ++i)
      cpu::run(copies[i], args.in[0], args.out[i], threads);
    return Status{};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Split", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace split_kernels

std::span<const cpu::KernelSpec> split_cpu() { return split_kernels::kKernels; }

}  // namespace tenon::ops
