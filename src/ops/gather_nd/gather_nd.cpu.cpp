// GatherND as copies of the pieces that the tuples of indices name.
#include "ops/gather_nd/gather_nd.h"

#include <array>

#include "targets/cpu/copy.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace gather_nd_kernels {
namespace {

bool supports(const ir::Node& node) {
  return cpu::of_whole_bytes(node.input(0)) && cpu::are_indices(node.input(1));
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &x = context.in(0), &which = context.in(1);
  const auto batch = static_cast<size_t>(context.node.as<GatherND>().batch_dims);
  const Dims& at = which.dims;
  if (at.empty() || at.back() < 1 || batch >= at.size() ||
      batch + static_cast<size_t>(at.back()) > x.dims.size() ||
      !std::equal(at.begin(), at.begin() + static_cast<ptrdiff_t>(batch), x.dims.begin()))
    return context.refuse("indices that do not fit the data");
  const int64_t depth = at.back(), count = which.count() / depth,
                batches = element_count(std::span(x.dims).first(batch));
  const std::span<const int64_t> inner =
      std::span(x.dims).subspan(batch + static_cast<size_t>(depth));
  const int64_t piece = element_count(inner);
  Dims sizes, strides;  // of the indexed axes; strides in pieces
  for (size_t d = 0; d < static_cast<size_t>(depth); ++d) {
    sizes.push_back(x.dims[batch + d]);
    strides.push_back(element_count(
        std::span(x.dims).subspan(batch + d + 1, static_cast<size_t>(depth) - d - 1)));
  }
  const int64_t of_batch = element_count(sizes), each = batches == 0 ? 0 : count / batches;
  cpu::Prepared prepared;
  prepared.scratch = static_cast<size_t>(count) * sizeof(int64_t);
  prepared.run = [=, width = piece * bits(x.dtype) / 8, wide = which.dtype == DType::i64,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    auto* from = reinterpret_cast<int64_t*>(args.scratch);
    for (int64_t i = 0; i < count; ++i) {
      from[i] = i / each * of_batch;
      for (int64_t d = 0; d < depth; ++d) {
        const int64_t given = indices[i * depth + d], size = sizes[static_cast<size_t>(d)];
        int64_t index = given;
        if (!cpu::in_range(index, size)) return cpu::outside("GatherND", given, size);
        from[i] += index * strides[static_cast<size_t>(d)];
      }
    }
    cpu::copy_rows(args.in[0], args.out[0], width, count, threads,
                   [from](int64_t i) { return from[i]; });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "GatherND", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace gather_nd_kernels

std::span<const cpu::KernelSpec> gather_nd_cpu() { return gather_nd_kernels::kKernels; }

}  // namespace tenon::ops
