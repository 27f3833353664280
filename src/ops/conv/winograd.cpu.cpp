// Our own Winograd convolution as a kernel of cpu.Conv.
#include <algorithm>
#include <limits>

#include "ops/conv/conv.kernels.h"
#include "ops/conv/winograd.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/post_op.h"

namespace tenon::ops {
namespace conv_winograd {
namespace {

using winograd::Problem;

// Up to this size, the transformed weights stay in a core's second-level cache beside the tiles:
// each thread then takes tiles of its own through all three steps.
constexpr int64_t kResidentWeights = 300'000;  // floats
constexpr int64_t kOwnTiles = 24;
// Else all tiles go through the steps together, at most so many floats of them at a time.
constexpr int64_t kSharedFloats = 6'000'000;

struct Convolution {
  Problem problem;
  std::shared_ptr<const std::byte> weights, bias;
  int64_t tiles_at_once = 0;
  int threads = 1;
  bool own_tiles = false;

  int64_t v_floats() const {
    return (winograd::point_stride(tiles_at_once, problem.in_channels()) * winograd::kPoints + 15) /
           16 * 16;
  }
  int64_t m_floats() const {
    return (winograd::point_stride(tiles_at_once, problem.out_channels()) * winograd::kPoints +
            15) /
           16 * 16;
  }

  void run(const cpu::Args& args) const;
  void run_own(const float* x, const float* residual, float* y, float* scratch) const;
  void run_shared(const float* x, const float* residual, float* y, float* scratch) const;
};

void Convolution::run_own(const float* x, const float* residual, float* y, float* scratch) const {
  const Problem& p = problem;
  const auto* u = reinterpret_cast<const float*>(weights.get());
  const auto* b = reinterpret_cast<const float*>(bias.get());
  const int64_t panels = (p.out_blocks + winograd::kPanel - 1) / winograd::kPanel;
  cpu::parallel_for(p.tiles(), tiles_at_once, threads, [&](int64_t begin, int64_t end) {
    float* v = scratch + omp_get_thread_num() * (v_floats() + m_floats());
    float* m = v + v_floats();
    for (int64_t t = begin; t < end; t += tiles_at_once) {
      const int64_t n = std::min(tiles_at_once, end - t);
      winograd::transform_input(p, x, t, n, 0, p.in_blocks, v);
      winograd::multiply(p, v, u, n, 0, winograd::kPoints * panels, m);
      winograd::transform_output(p, m, t, n, 0, p.out_blocks, b, residual, y);
    }
  });
}

void Convolution::run_shared(const float* x, const float* residual, float* y,
                             float* scratch) const {
  const Problem& p = problem;
  const auto* u = reinterpret_cast<const float*>(weights.get());
  const auto* b = reinterpret_cast<const float*>(bias.get());
  const int64_t panels = (p.out_blocks + winograd::kPanel - 1) / winograd::kPanel;
  float* v = scratch;
  float* m = v + v_floats();
  for (int64_t t = 0; t < p.tiles(); t += tiles_at_once) {
    const int64_t n = std::min(tiles_at_once, p.tiles() - t);
    cpu::parallel_for(p.in_blocks, 1, threads, [&](int64_t begin, int64_t end) {
      winograd::transform_input(p, x, t, n, begin, end, v);
    });
    cpu::parallel_for(winograd::kPoints * panels, 1, threads, [&](int64_t begin, int64_t end) {
      winograd::multiply(p, v, u, n, begin, end, m);
    });
    cpu::parallel_for(p.out_blocks, 1, threads, [&](int64_t begin, int64_t end) {
      winograd::transform_output(p, m, t, n, begin, end, b, residual, y);
    });
  }
}

void Convolution::run(const cpu::Args& args) const {
  const float* residual = problem.residual ? args.f32(3) : nullptr;
  auto* scratch = reinterpret_cast<float*>(args.scratch);
  if (own_tiles)
    run_own(args.f32(0), residual, args.f32_out(), scratch);
  else
    run_shared(args.f32(0), residual, args.f32_out(), scratch);
}

// [residual,] [one clip or plain relu]; nullopt for others.
std::optional<std::array<float, 2>> limits(const std::vector<cpu::PostOp>& post, bool& residual) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  std::array<float, 2> out{-inf, inf};
  size_t i = 0;
  residual = !post.empty() && post[0].kind == cpu::PostOp::Kind::sum;
  if (residual) ++i;
  if (i < post.size() && post[i].kind == cpu::PostOp::Kind::relu && post[i].alpha == 0) {
    out[0] = 0;
    ++i;
  } else if (i < post.size() && post[i].kind == cpu::PostOp::Kind::clip) {
    out = {post[i].alpha, post[i].beta};
    ++i;
  }
  return i == post.size() ? std::optional(out) : std::nullopt;
}

}  // namespace
}  // namespace conv_winograd

bool suits_tiles(const ir::Node& node) {
  const auto op = node.as<cpu::FusedConv>();
  const ir::Value* weights = node.input(1);
  if (!weights->is_constant() || op.group != 1) return false;
  const Dims& w = weights->constant->shape();
  bool residual = false;
  return w.size() == 4 && w[2] == 3 && w[3] == 3 && w[1] >= 16 && w[0] >= 16 &&
         std::ranges::all_of(op.strides, [](int64_t s) { return s == 1; }) &&
         std::ranges::all_of(op.dilations, [](int64_t d) { return d == 1; }) &&
         (node.input(2) == nullptr || node.input(2)->is_constant()) &&
         conv_winograd::limits(cpu::decode(op.post), residual).has_value();
}

Result<cpu::Prepared> make_tiles(cpu::MakeContext& context) {
  using namespace conv_winograd;
  const auto op = context.node.as<cpu::FusedConv>();
  const cpu::Desc &x = context.in(0), &y = context.outputs[0];
  if (x.block == 0 || x.block != y.block || x.dims.size() != 4 || x.count() == 0 ||
      y.count() == 0 || op.pads.size() != 4) {
    return context.refuse("a row-major tensor");
  }
  auto conv = std::make_shared<Convolution>();
  Problem& p = conv->problem;
  const int64_t block = x.block;
  p = {.batch = x.dims[0],
       .in_blocks = x.physical()[1],
       .out_blocks = y.physical()[1],
       .block = block,
       .height = x.dims[2],
       .width = x.dims[3],
       .out_height = y.dims[2],
       .out_width = y.dims[3],
       .pad_top = op.pads[0],
       .pad_left = op.pads[1]};
  p.tiles_y = (p.out_height + winograd::kTile - 1) / winograd::kTile;
  p.tiles_x = (p.out_width + winograd::kTile - 1) / winograd::kTile;
  const auto clip = limits(cpu::decode(op.post), p.residual);
  if (!clip) return context.refuse("a post-op of another kind");
  p.low = (*clip)[0];
  p.high = (*clip)[1];
  const Tensor& w = *context.inputs[1].constant;
  const auto bytes = static_cast<size_t>(winograd::weight_floats(p)) * sizeof(float);
  conv->weights = TRY(context.packer.pack(
      context.inputs[1], fmt::format("winograd4x4;{};{}", block, winograd::kPanel), bytes,
      [&](std::byte* out) {
        winograd::transform_weights(w.values<float>().data(), w.shape()[0], w.shape()[1], p,
                                    reinterpret_cast<float*>(out));
        return Status{};
      }));
  if (context.has(2)) {
    const Tensor& bias = *context.inputs[2].constant;
    const auto wanted = static_cast<size_t>(p.out_channels()) * sizeof(float);
    conv->bias = TRY(context.packer.pack(context.inputs[2], fmt::format("bias{}", p.out_channels()),
                                         wanted, [&](std::byte* out) {
                                           std::copy_n(bias.data(), bias.nbytes(), out);
                                           return Status{};
                                         }));
  }
  conv->threads = context.threads;
  conv->own_tiles =
      winograd::weight_floats(p) <= kResidentWeights && p.tiles() >= kOwnTiles * context.threads;
  const int64_t per_tile = winograd::kPoints * (p.in_channels() + p.out_channels());
  conv->tiles_at_once = conv->own_tiles
                            ? kOwnTiles
                            : std::clamp<int64_t>(kSharedFloats / per_tile / 6 * 6, 6, p.tiles());
  const int64_t floats =
      (conv->v_floats() + conv->m_floats()) * (conv->own_tiles ? context.threads : 1);
  cpu::Prepared prepared;
  prepared.scratch = static_cast<size_t>(floats) * sizeof(float);
  if (p.residual) prepared.in_place = 1u << 3;
  prepared.run = [conv](const cpu::Args& args) {
    conv->run(args);
    return Status{};
  };
  return prepared;
}

}  // namespace tenon::ops
