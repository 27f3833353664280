// Concat as copies of contiguous pieces; channel-blocked tensors are joined block by block.
#include <array>
#include <cstring>

#include "ir/op.h"
#include "ops/concat/concat.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace concat_kernels {
namespace {

bool supports(const ir::Node& node) {
  return node.output()->type.is_tensor() && bits(node.output()->dtype()) >= 8;
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc& out = context.outputs[0];
  const auto axis_or = ir::normalize_axis(context.node.as<Concat>().axis, out.dims.size());
  if (!axis_or) return context.refuse("an axis out of range");
  const size_t axis = *axis_or;
  if (out.block > 0 && axis != 1) return context.refuse("blocks joined along another axis");
  const Dims whole = out.physical();
  const auto width = static_cast<int64_t>(byte_size(out.dtype, 1));
  auto piece = [&](const Dims& dims) {
    return element_count(std::span(dims).subspan(axis)) * width;
  };
  const int64_t outer = element_count(std::span(whole).first(axis)), row = piece(whole);
  Dims pieces;
  int64_t sum = 0;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    const cpu::Desc& in = context.in(i);
    if (in.block != out.block) return context.refuse("inputs in different layouts");
    if (out.block > 0 && i + 1 < context.inputs.size() && in.dims[1] % out.block != 0)
      return context.refuse("a channel tail in the middle");
    pieces.push_back(piece(in.physical()));
    sum += pieces.back();
  }
  if (sum != row) return context.refuse("sizes that do not add up");
  const int threads = context.threads;
  cpu::Prepared prepared;
  prepared.run = [=](const cpu::Args& args) -> Status {
    // Each thread copies its share of the bytes of every piece.
    int64_t offset = 0;
    const bool large = outer * row > (1 << 16);
    for (size_t i = 0; i < pieces.size(); ++i) {
      const int64_t bytes = pieces[i];
      if (outer == 1) {
        cpu::parallel_for(bytes, large ? 1 << 16 : bytes, threads, [&](int64_t b, int64_t e) {
          std::memcpy(args.out[0] + offset + b, args.in[i] + b, static_cast<size_t>(e - b));
        });
      } else {
        const int64_t grain = std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(bytes, 1));
        cpu::parallel_for(outer, grain, threads, [&](int64_t b, int64_t e) {
          for (int64_t o = b; o < e; ++o) {
            std::memcpy(args.out[0] + o * row + offset, args.in[i] + o * bytes,
                        static_cast<size_t>(bytes));
          }
        });
      }
      offset += bytes;
    }
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Concat", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace concat_kernels

std::span<const cpu::KernelSpec> concat_cpu() { return concat_kernels::kKernels; }

}  // namespace tenon::ops
