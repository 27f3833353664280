// Slice with constant bounds as one strided copy.
#include <algorithm>
#include <array>
#include <limits>

#include "ir/integers.h"
#include "targets/cpu/copy.h"

namespace tenon::ops {
namespace slice_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::has_plain_elements(node.output()); }

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &in = context.in(0), &out = context.outputs[0];
  const auto rank = static_cast<int64_t>(in.dims.size());
  auto list = [&](size_t i) -> std::optional<std::vector<int64_t>> {
    if (!context.has(i) || context.inputs[i].constant == nullptr) return std::nullopt;
    return ir::integers(*context.inputs[i].constant);
  };
  const auto starts = list(1);
  if (!starts) return context.refuse("bounds that are computed");
  std::vector<int64_t> axes(starts->size()), steps(starts->size(), 1);
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (context.has(3)) {
    auto given = list(3);
    if (!given) return context.refuse("axes that are computed");
    axes = *given;
  }
  if (context.has(4)) {
    auto given = list(4);
    if (!given) return context.refuse("steps that are computed");
    steps = *given;
  }
  if (axes.size() != starts->size() || steps.size() != starts->size())
    return context.refuse("lists of other lengths");
  cpu::StridedCopy copy{.width = bits(in.dtype) / 8, .dims = out.dims};
  copy.to = cpu::strides_of(out.dims);
  copy.from = cpu::strides_of(in.dims);
  if (out.dims.size() != in.dims.size()) return context.refuse("a result of another rank");
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank) return context.refuse("an axis out of range");
    const auto a = static_cast<size_t>(axis);
    const int64_t size = in.dims[a], step = std::clamp<int64_t>(steps[i], -size - 1, size + 1);
    if (step == 0) return context.refuse("a step of 0");
    int64_t start = (*starts)[i];
    if (start < 0 && start > std::numeric_limits<int64_t>::min() + size) start += size;
    start = std::clamp<int64_t>(start, 0, step > 0 ? size : std::max<int64_t>(size - 1, 0));
    const int64_t last = start + (out.dims[a] - 1) * step;
    if (out.dims[a] > 0 && (start >= size || last < 0 || last >= size))
      return context.refuse("bounds that do not fit the result");
    copy.from_offset += start * copy.from[a];
    copy.from[a] *= step;
  }
  return cpu::copying_kernel(copy, context.threads);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Slice", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace slice_kernels

std::span<const cpu::KernelSpec> slice_cpu() { return slice_kernels::kKernels; }

}  // namespace tenon::ops
