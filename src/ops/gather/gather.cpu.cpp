// Gather as copies of the pieces that the indices name.
#include "ops/gather/gather.h"

#include <array>

#include "ir/op.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace gather_kernels {
namespace {

bool supports(const ir::Node& node) {
  return cpu::of_whole_bytes(node.input(0)) && cpu::are_indices(node.input(1));
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &x = context.in(0), &which = context.in(1);
  const auto axis = ir::normalize_axis(context.node.as<Gather>().axis, x.dims.size());
  if (!axis) return context.refuse("an axis out of range");
  const int64_t n = x.dims[*axis], count = which.count(),
                rows = element_count(std::span(x.dims).first(*axis)),
                width = element_count(std::span(x.dims).subspan(*axis + 1)) * bits(x.dtype) / 8;
  cpu::Prepared prepared;
  prepared.scratch = static_cast<size_t>(count) * sizeof(int64_t);
  prepared.run = [=, wide = which.dtype == DType::i64,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    auto* at = reinterpret_cast<int64_t*>(args.scratch);
    for (int64_t i = 0; i < count; ++i) {
      at[i] = indices[i];
      if (!cpu::in_range(at[i], n)) return cpu::outside("Gather", indices[i], n);
    }
    if (rows == 1) {
      cpu::copy_rows(args.in[0], args.out[0], width, count, threads,
                     [at](int64_t i) { return at[i]; });
    } else {
      cpu::copy_rows(args.in[0], args.out[0], width, rows * count, threads,
                     [=](int64_t i) { return i / count * n + at[i % count]; });
    }
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Gather", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace gather_kernels

std::span<const cpu::KernelSpec> gather_cpu() { return gather_kernels::kKernels; }

}  // namespace tenon::ops
