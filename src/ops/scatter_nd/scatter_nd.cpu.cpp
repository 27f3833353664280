// ScatterND into a copy of the data, piece by piece, in the order of the updates.
#include "ops/scatter_nd/scatter_nd.h"

#include <array>

#include "ops/common/scatter.kernel.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace scatter_nd_kernels {
namespace {

bool supports(const ir::Node& node) {
  return node.input(0)->type.is_tensor() && cpu::are_indices(node.input(1)) &&
         scatters(node.as<ScatterND>().reduction, node.input(0)->dtype());
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &x = context.in(0), &which = context.in(1);
  const Dims& at = which.dims;
  if (at.empty() || at.back() < 1 || at.back() > static_cast<int64_t>(x.dims.size()))
    return context.refuse("indices that do not fit the data");
  const int64_t depth = at.back(), count = which.count() / depth,
                piece = element_count(std::span(x.dims).subspan(static_cast<size_t>(depth)));
  if (context.in(2).count() != count * piece)
    return context.refuse("updates that do not fit the indices");
  Dims sizes, strides;  // of the indexed axes; strides in pieces
  for (size_t d = 0; d < static_cast<size_t>(depth); ++d) {
    sizes.push_back(x.dims[d]);
    strides.push_back(
        element_count(std::span(x.dims).subspan(d + 1, static_cast<size_t>(depth) - d - 1)));
  }
  cpu::Prepared prepared;
  prepared.accumulate = 0;
  prepared.scratch = static_cast<size_t>(count) * sizeof(int64_t);
  prepared.run = [=, type = x.dtype, reduction = context.node.as<ScatterND>().reduction,
                  wide = which.dtype == DType::i64,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    auto* to = reinterpret_cast<int64_t*>(args.scratch);
    for (int64_t i = 0; i < count; ++i) {
      to[i] = 0;
      for (int64_t d = 0; d < depth; ++d) {
        const int64_t given = indices[i * depth + d], size = sizes[static_cast<size_t>(d)];
        int64_t index = given;
        if (!cpu::in_range(index, size)) return cpu::outside("ScatterND", given, size);
        to[i] += index * strides[static_cast<size_t>(d)];
      }
    }
    // Pieces may meet: each thread takes its share of every piece.
    visit_scatter(reduction, type, [&]<class T>(T, const auto& combine) {
      auto* y = reinterpret_cast<T*>(args.out[0]);
      const auto* updates = reinterpret_cast<const T*>(args.in[2]);
      const int64_t grain = std::max<int64_t>(64, (1 << 15) / std::max<int64_t>(count, 1));
      cpu::parallel_for(piece, grain, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = 0; i < count; ++i) {
          T* there = y + to[i] * piece;
          const T* update = updates + i * piece;
          for (int64_t j = begin; j < end; ++j) combine(there[j], update[j]);
        }
      });
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "ScatterND", .tactic = "pieces", .supports = supports, .make = make},
};

}  // namespace
}  // namespace scatter_nd_kernels

std::span<const cpu::KernelSpec> scatter_nd_cpu() { return scatter_nd_kernels::kKernels; }

}  // namespace tenon::ops
