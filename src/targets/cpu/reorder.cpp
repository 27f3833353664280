#include <algorithm>
#include <array>

#include "targets/cpu/reorder.h"

#include "targets/cpu/engine_kernels.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/pointwise.h"

namespace tenon::cpu {
namespace {

struct Shape {
  int64_t batch, channels, blocks, block, spatial;
};

// One channel block of one image: `lanes` rows of `spatial` floats against spatial x block. In
// tiles, so that both sides stay in cache lines that are in use.
void to_blocks(const float* from, float* to, int64_t lanes, const Shape& s) {
  constexpr int64_t kTile = 64;
  for (int64_t start = 0; start < s.spatial; start += kTile) {
    const int64_t end = std::min(s.spatial, start + kTile);
    for (int64_t c = 0; c < s.block; ++c) {
      if (c < lanes) {
        for (int64_t i = start; i < end; ++i) to[i * s.block + c] = from[c * s.spatial + i];
      } else {
        for (int64_t i = start; i < end; ++i) to[i * s.block + c] = 0;
      }
    }
  }
}

void from_blocks(const float* from, float* to, int64_t lanes, const Shape& s) {
  constexpr int64_t kTile = 64;
  for (int64_t start = 0; start < s.spatial; start += kTile) {
    const int64_t end = std::min(s.spatial, start + kTile);
    for (int64_t c = 0; c < lanes; ++c) {
      for (int64_t i = start; i < end; ++i) to[c * s.spatial + i] = from[i * s.block + c];
    }
  }
}

Result<Prepared> make_reorder(MakeContext& context) {
  const Desc &in = context.in(0), &out = context.outputs[0];
  if (in.dtype != DType::f32 || (in.block > 0) == (out.block > 0))
    return context.refuse("a reorder between these layouts");
  Prepared prepared;
  prepared.run = [in, out, threads = context.threads](const Args& args) -> Status {
    reorder(in, args.f32(0), out, args.f32_out(), threads);
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    KernelSpec{.op = Reorder::kName, .tactic = "blocks", .make = make_reorder, .domain = kDomain},
    KernelSpec{
        .op = Pointwise::kName, .tactic = "tiles", .make = make_pointwise, .domain = kDomain},
};

}  // namespace

void reorder(const Desc& from_desc, const float* from, const Desc& to_desc, float* to,
             int threads) {
  const bool packs = to_desc.block > 0;
  const Desc& blocked = packs ? to_desc : from_desc;
  Shape s{blocked.dims[0], blocked.dims[1], 0, blocked.block,
          element_count(std::span(blocked.dims).subspan(2))};
  s.blocks = (s.channels + s.block - 1) / s.block;
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(s.spatial * s.block, 1));
  parallel_for(s.batch * s.blocks, grain, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / s.blocks, b = i % s.blocks;
      const int64_t lanes = std::min(s.block, s.channels - b * s.block);
      const int64_t plain = (n * s.channels + b * s.block) * s.spatial;
      const int64_t packed = i * s.block * s.spatial;
      if (packs)
        to_blocks(from + plain, to + packed, lanes, s);
      else
        from_blocks(from + packed, to + plain, lanes, s);
    }
  });
}

std::span<const KernelSpec> engine_kernels() { return kKernels; }

}  // namespace tenon::cpu
