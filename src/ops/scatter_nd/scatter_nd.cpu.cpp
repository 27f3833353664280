// ScatterND: the output begins as the data, over which blocks are copied or added in order.
#include "ops/scatter_nd/scatter_nd.h"

#include <array>
#include <cstring>

#include "targets/cpu/copy.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace scatter_nd_kernels {
namespace {

bool supports(const ir::Node& node) {
  const std::string reduction = node.as<ScatterND>().reduction;
  const bool adds = reduction == "add" && node.output()->dtype() == DType::f32;
  return cpu::has_plain_elements(node.input(0)) && cpu::are_indices(node.input(1)) &&
         (reduction == "none" || adds);
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims &dims = context.in(0).dims, &at = context.in(1).dims;
  if (at.empty() || at.back() < 1 || at.back() > static_cast<int64_t>(dims.size()))
    return context.refuse("indices that do not fit the data");
  const int64_t depth = at.back(), count = context.in(1).count() / depth;
  const int64_t block = element_count(std::span(dims).subspan(static_cast<size_t>(depth)));
  if (context.in(2).count() != count * block)
    return context.refuse("updates that do not fit the indices");
  const int64_t width = bits(context.in(0).dtype) / 8;
  const Dims strides = cpu::strides_of(dims);
  const bool adds = context.node.as<ScatterND>().reduction == "add";
  const bool empty = context.in(0).count() == 0;
  cpu::Prepared prepared;
  prepared.accumulate = 0;
  prepared.run = [=, wide = context.in(1).dtype == DType::i64, dims = dims,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    const cpu::Indices indices{args.in[1], wide};
    cpu::Bounds bounds;
    for (int64_t i = 0; i < count; ++i) {
      int64_t to = 0;
      for (int64_t d = 0; d < depth; ++d) {
        const auto k = static_cast<size_t>(d);
        to += bounds.place(indices[i * depth + d], dims[k]) * strides[k];
      }
      if (empty) continue;
      if (adds) {
        float* sum = args.f32_out() + to;
        const float* update = args.f32(2) + i * block;
        for (int64_t j = 0; j < block; ++j) sum[j] += update[j];
      } else {
        cpu::copy_block(args.out[0] + to * width, args.in[2] + i * block * width, block * width);
      }
    }
    return bounds.status("ScatterND", where);
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "ScatterND", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace scatter_nd_kernels

std::span<const cpu::KernelSpec> scatter_nd_cpu() { return scatter_nd_kernels::kKernels; }

}  // namespace tenon::ops
