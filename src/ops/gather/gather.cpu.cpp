// Gather: rows of blocks, copied side by side.
#include "ops/gather/gather.h"

#include <array>
#include <cstring>

#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace gather_kernels {
namespace {

bool supports(const ir::Node& node) {
  return cpu::has_plain_elements(node.input(0)) && cpu::are_indices(node.input(1));
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &in = context.in(0), &at = context.in(1);
  const auto rank = static_cast<int64_t>(in.dims.size());
  int64_t axis = context.node.as<Gather>().axis;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return context.refuse("an axis out of range");
  const auto a = static_cast<size_t>(axis);
  const int64_t n = in.dims[a], count = at.count();
  const int64_t rows = element_count(std::span(in.dims).first(a));
  const int64_t block = element_count(std::span(in.dims).subspan(a + 1)) * (bits(in.dtype) / 8);
  if (context.outputs[0].count() != rows * count * (block / (bits(in.dtype) / 8)))
    return context.refuse("a result of another size");
  cpu::Prepared prepared;
  prepared.run = [=, wide = at.dtype == DType::i64, threads = context.threads,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    cpu::Bounds bounds;
    const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(block, 1));
    cpu::parallel_for(rows * count, grain, threads, [&](int64_t begin, int64_t end) {
      int64_t row = begin / count, i = begin % count;
      std::byte* to = args.out[0] + begin * block;
      for (int64_t k = begin; k < end; ++k, to += block) {
        const int64_t from = row * n + bounds.place(indices[i], n);
        if (n > 0) cpu::copy_block(to, args.in[0] + from * block, block);
        if (++i == count) i = 0, ++row;
      }
    });
    return bounds.status("Gather", where);
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
