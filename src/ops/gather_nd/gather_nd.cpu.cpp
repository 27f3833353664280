// GatherND: blocks, copied from where rows of indices say.
#include "ops/gather_nd/gather_nd.h"

#include <array>
#include <cstring>

#include "targets/cpu/copy.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace gather_nd_kernels {
namespace {

bool supports(const ir::Node& node) {
  return cpu::has_plain_elements(node.input(0)) && cpu::are_indices(node.input(1));
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims &dims = context.in(0).dims, &at = context.in(1).dims;
  const auto batch = static_cast<size_t>(context.node.as<GatherND>().batch_dims);
  if (at.empty() || batch >= at.size() || batch >= dims.size() || at.back() < 1 ||
      batch + static_cast<size_t>(at.back()) > dims.size() ||
      !std::equal(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(batch), dims.begin()))
    return context.refuse("indices that do not fit the data");
  const int64_t width = bits(context.in(0).dtype) / 8, depth = at.back();
  const auto end_of_index = batch + static_cast<size_t>(depth);
  const int64_t block = element_count(std::span(dims).subspan(end_of_index)) * width;
  const int64_t batches = element_count(std::span(dims).first(batch));
  const int64_t count = context.in(1).count() / depth;
  if (context.outputs[0].count() * width != count * block)
    return context.refuse("a result of another size");
  const int64_t per_batch = batches == 0 ? 1 : std::max<int64_t>(count / batches, 1);
  const int64_t batch_bytes = element_count(std::span(dims).subspan(batch)) * width;
  const Dims all_strides = cpu::strides_of(dims);
  Dims sizes, strides;
  for (size_t d = batch; d < end_of_index; ++d) {
    sizes.push_back(dims[d]);
    strides.push_back(all_strides[d] * width);
  }
  const bool empty = context.in(0).count() == 0;
  cpu::Prepared prepared;
  prepared.run = [=, wide = context.in(1).dtype == DType::i64, threads = context.threads,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    cpu::Bounds bounds;
    const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(block, 16));
    cpu::parallel_for(block == 0 ? 0 : count, grain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t from = i / per_batch * batch_bytes;
        for (int64_t d = 0; d < depth; ++d) {
          const auto k = static_cast<size_t>(d);
          from += bounds.place(indices[i * depth + d], sizes[k]) * strides[k];
        }
        if (!empty) cpu::copy_block(args.out[0] + i * block, args.in[0] + from, block);
      }
    });
    return bounds.status("GatherND", where);
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
