// GatherElements: element by element, along one axis.
#include "ops/gather_elements/gather_elements.h"

#include <array>
#include <cstring>

#include "targets/cpu/copy.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace gather_elements_kernels {
namespace {

bool supports(const ir::Node& node) {
  return cpu::has_plain_elements(node.input(0)) && cpu::are_indices(node.input(1));
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims &dims = context.in(0).dims, &at = context.in(1).dims;
  const auto rank = static_cast<int64_t>(dims.size());
  int64_t axis = context.node.as<GatherElements>().axis;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank || at.size() != dims.size() || context.outputs[0].dims != at)
    return context.refuse("indices that do not fit the data");
  const auto a = static_cast<size_t>(axis);
  for (size_t d = 0; d < dims.size(); ++d) {
    if (d != a && at[d] > dims[d]) return context.refuse("indices that reach outside the data");
  }
  const int64_t width = bits(context.in(0).dtype) / 8, n = dims[a];
  Dims strides = cpu::strides_of(dims);
  const int64_t step = strides[a], last = at.back();
  // Rows of indices along the last axis; where that is not the axis, places move with it.
  const int64_t along = axis == rank - 1 ? 0 : 1;
  strides[a] = 0;
  const bool empty = context.in(0).count() == 0;
  cpu::Prepared prepared;
  prepared.run = [=, count = context.in(1).count(), wide = context.in(1).dtype == DType::i64,
                  threads = context.threads,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    cpu::Bounds bounds;
    const int64_t rows = last == 0 ? 0 : count / last;
    const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(last, 1));
    cpu::parallel_for(rows, grain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        int64_t base = 0, rest = row;
        for (size_t d = at.size() - 1; d-- > 0;) {
          base += rest % at[d] * strides[d];
          rest /= at[d];
        }
        for (int64_t i = 0; i < last; ++i) {
          const int64_t k = row * last + i;
          const int64_t from = base + i * along + bounds.place(indices[k], n) * step;
          if (!empty) cpu::copy_block(args.out[0] + k * width, args.in[0] + from * width, width);
        }
      }
    });
    return bounds.status("GatherElements", where);
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "GatherElements", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace gather_elements_kernels

std::span<const cpu::KernelSpec> gather_elements_cpu() { return gather_elements_kernels::kKernels; }

}  // namespace tenon::ops
