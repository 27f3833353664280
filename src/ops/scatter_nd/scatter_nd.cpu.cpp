// ScatterND: the output begins as the data, with which blocks are combined in order.
#include "ops/scatter_nd/scatter_nd.h"

#include <array>

#include "ops/common/scatter.kernel.h"
#include "targets/cpu/copy.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace scatter_nd_kernels {
namespace {

bool supports(const ir::Node& node) {
  return cpu::has_plain_elements(node.input(0)) && cpu::are_indices(node.input(1)) &&
         scatters(node.as<ScatterND>().reduction, node.input(0)->dtype());
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims &dims = context.in(0).dims, &at = context.in(1).dims;
  if (at.empty() || at.back() < 1 || at.back() > static_cast<int64_t>(dims.size()))
    return context.refuse("indices that do not fit the data");
  const int64_t depth = at.back(), count = context.in(1).count() / depth;
  const int64_t block = element_count(std::span(dims).subspan(static_cast<size_t>(depth)));
  if (context.in(2).count() != count * block)
    return context.refuse("updates that do not fit the indices");
  const Dims strides = cpu::strides_of(dims);
  const bool empty = context.in(0).count() == 0;
  cpu::Prepared prepared;
  prepared.accumulate = 0;
  prepared.scratch = static_cast<size_t>(count) * sizeof(int64_t);
  prepared.run = [=, reduction = context.node.as<ScatterND>().reduction, type = context.in(0).dtype,
                  threads = context.threads, wide = context.in(1).dtype == DType::i64, dims = dims,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    cpu::Bounds bounds;
    auto* to = reinterpret_cast<int64_t*>(args.scratch);
    for (int64_t i = 0; i < count; ++i) {
      to[i] = 0;
      for (int64_t d = 0; d < depth; ++d) {
        const auto k = static_cast<size_t>(d);
        to[i] += bounds.place(indices[i * depth + d], dims[k]) * strides[k];
      }
    }
    if (empty) return bounds.status("ScatterND", where);
    // Blocks may meet: each thread takes its share of every one.
    const int64_t grain = std::max<int64_t>(64, (1 << 15) / std::max<int64_t>(count, 1));
    visit_scatter(reduction, type, [&]<class T>(T, const auto& combine) {
      auto* y = reinterpret_cast<T*>(args.out[0]);
      const auto* updates = reinterpret_cast<const T*>(args.in[2]);
      cpu::parallel_for(block, grain, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = 0; i < count; ++i) {
          for (int64_t j = begin; j < end; ++j) combine(y[to[i] + j], updates[i * block + j]);
        }
      });
    });
    return bounds.status("ScatterND", where);
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "ScatterND", .tactic = "blocks", .supports = supports, .make = make},
};

}  // namespace
}  // namespace scatter_nd_kernels

std::span<const cpu::KernelSpec> scatter_nd_cpu() { return scatter_nd_kernels::kKernels; }

}  // namespace tenon::ops
