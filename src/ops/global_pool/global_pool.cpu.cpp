// GlobalAveragePool and GlobalMaxPool over row-major and channel-blocked tensors.
#include <algorithm>
#include <array>

#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace global_pool_kernels {
namespace {

bool supports(const ir::Node& node) {
  const auto rank = node.input(0)->rank();
  return cpu::all_of_type(node, DType::f32) && rank && *rank >= 3;
}

// Sums run over a few accumulators side by side, and in double over rows of them, so that large
// images lose nothing.
template <int kBlock>
void average_blocked(const float* x, float* y, int64_t spatial) {
  constexpr int64_t kRow = 256;
  double total[kBlock] = {};
  for (int64_t start = 0; start < spatial; start += kRow) {
    float sum[kBlock] = {};
    const int64_t end = std::min(spatial, start + kRow);
    for (int64_t i = start; i < end; ++i) {
      for (int c = 0; c < kBlock; ++c) sum[c] += x[i * kBlock + c];
    }
    for (int c = 0; c < kBlock; ++c) total[c] += static_cast<double>(sum[c]);
  }
  for (int c = 0; c < kBlock; ++c)
    y[c] = static_cast<float>(total[c] / static_cast<double>(spatial));
}

float average_plain(const float* x, int64_t spatial) {
  constexpr int64_t kLanes = 16, kRow = 4096;
  double total = 0;
  for (int64_t start = 0; start < spatial; start += kRow) {
    float sum[kLanes] = {};
    const int64_t end = std::min(spatial, start + kRow);
    int64_t i = start;
    for (; i + kLanes <= end; i += kLanes) {
      for (int64_t c = 0; c < kLanes; ++c) sum[c] += x[i + c];
    }
    for (; i < end; ++i) total += x[i];
    for (float s : sum) total += s;
  }
  return static_cast<float>(total / static_cast<double>(spatial));
}

void max_blocked(const float* x, float* y, int64_t spatial, int64_t block) {
  std::copy_n(x, block, y);
  for (int64_t i = 1; i < spatial; ++i) {
    for (int64_t c = 0; c < block; ++c) {
      const float v = x[i * block + c];
      y[c] = v > y[c] || v != v ? v : y[c];  // NaN stays
    }
  }
}

template <bool kMax>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &in = context.in(0), &out = context.outputs[0];
  if (in.block != out.block || (in.block != 0 && in.block != 8 && in.block != 16))
    return context.refuse("another layout");
  const int64_t spatial = element_count(std::span(in.dims).subspan(2));
  if (spatial == 0) return context.refuse("an empty tensor");
  const int64_t block = in.block > 0 ? in.block : 1;
  const int64_t rows = in.dims[0] * (in.block > 0 ? in.physical()[1] : in.dims[1]);
  const int threads = context.threads;
  cpu::Prepared prepared;
  prepared.run = [=](const cpu::Args& args) -> Status {
    const int64_t grain = std::max<int64_t>(1, 16384 / (spatial * block));
    cpu::parallel_for(rows, grain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* x = args.f32(0) + r * spatial * block;
        float* y = args.f32_out() + r * block;
        if constexpr (kMax) {
          max_blocked(x, y, spatial, block);
        } else if (block == 1) {
          *y = average_plain(x, spatial);
        } else if (block == 8) {
          average_blocked<8>(x, y, spatial);
        } else {
          average_blocked<16>(x, y, spatial);
        }
      }
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "GlobalAveragePool", .tactic = "rows", .supports = supports, .make = make<false>},
    cpu::KernelSpec{
        .op = "GlobalMaxPool", .tactic = "rows", .supports = supports, .make = make<true>},
};

}  // namespace
}  // namespace global_pool_kernels

std::span<const cpu::KernelSpec> global_pool_cpu() { return global_pool_kernels::kKernels; }

}  // namespace tenon::ops
