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

// Up to this size, the transformed weights stay in near caches: they are kept transformed, and each
// thread takes tiles of its own through all three steps.
constexpr int64_t kResidentWeights = 800'000;  // floats
constexpr int64_t kOwnTiles = 24;
// Larger ones would have to come from memory at each run, four times as large as they are: they are
// kept as they are, and transformed a little at a time where they are used. The threads share the
// tiles' transform and take panels of output channels of their own.
constexpr int64_t kSharedTiles = 60;
// Input channels whose weights are transformed at a time: they share the second-level cache with
// the products of a panel.
constexpr int64_t kNearFloats = 215'000;
constexpr int64_t kLeastDepth = 16, kMostDepth = 64;

int64_t rounded(int64_t floats) { return (floats + 15) / 16 * 16; }

struct Convolution {
  Problem problem;
  std::shared_ptr<const std::byte> weights, bias;
  int64_t tiles_at_once = 0;
  int threads = 1;
  bool resident = false;

  int64_t panels() const { return (problem.out_blocks + winograd::kPanel - 1) / winograd::kPanel; }
  int64_t panel_width() const { return winograd::kPanel * problem.block; }
  // Floats of the buffers.
  int64_t v_floats() const {
    return rounded(winograd::point_stride(tiles_at_once, problem.in_channels()) *
                   winograd::kPoints);
  }
  int64_t m_floats() const {
    const int64_t width = resident ? problem.out_channels() : panel_width();
    return rounded(winograd::point_stride(tiles_at_once, width) * winograd::kPoints);
  }
  int64_t depth() const {
    const int64_t fits =
        (kNearFloats - m_floats()) / (winograd::kPoints * panel_width()) / kLeastDepth;
    return std::clamp(fits * kLeastDepth, kLeastDepth, kMostDepth);
  }
  int64_t u_floats() const {
    return resident ? 0
                    : rounded(winograd::point_stride(depth(), panel_width()) * winograd::kPoints);
  }
  int64_t scratch_floats() const {
    return resident ? threads * (v_floats() + m_floats())
                    : v_floats() + threads * (m_floats() + u_floats());
  }

  void run(const cpu::Args& args) const;
  void run_resident(const float* x, const float* residual, float* y, float* scratch) const;
  void run_streamed(const float* x, const float* residual, float* y, float* scratch) const;
  void run_panel(int64_t panel, const float* v, int64_t first, int64_t tiles, float* m, float* u,
                 const float* residual, float* y) const;
};

void Convolution::run_resident(const float* x, const float* residual, float* y,
                               float* scratch) const {
  const Problem& p = problem;
  const auto* u = reinterpret_cast<const float*>(weights.get());
  const auto* b = reinterpret_cast<const float*>(bias.get());
  const int64_t in = p.in_channels(), out = p.out_channels();
  cpu::parallel_for(p.tiles(), tiles_at_once, threads, [&](int64_t begin, int64_t end) {
    float* v = scratch + omp_get_thread_num() * (v_floats() + m_floats());
    float* m = v + v_floats();
    for (int64_t t = begin; t < end; t += tiles_at_once) {
      const int64_t n = std::min(tiles_at_once, end - t);
      const winograd::Points vs{in, winograd::point_stride(n, in)};
      const winograd::Points ms{out, winograd::point_stride(n, out)};
      winograd::transform_input(p, x, t, n, 0, p.in_blocks, v);
      for (int64_t c = 0; c < out; c += panel_width()) {
        const int64_t width = std::min(panel_width(), out - c);
        winograd::multiply(v, vs, u + c * in, {width, in * out}, n, in, width, m + c, ms, false);
      }
      winograd::transform_output(p, m, ms, t, n, 0, p.out_blocks, b, residual, y);
    }
  });
}

void Convolution::run_panel(int64_t panel, const float* v, int64_t first, int64_t tiles, float* m,
                            float* u, const float* residual, float* y) const {
  const Problem& p = problem;
  const int64_t in = p.in_channels(), from = panel * panel_width();
  const int64_t width = std::min(panel_width(), p.out_channels() - from);
  const auto* w = reinterpret_cast<const float*>(weights.get()) + from * in * 9;
  const winograd::Points vs{in, winograd::point_stride(tiles, in)};
  const winograd::Points ms{width, winograd::point_stride(tiles, width)};
  for (int64_t i = 0; i < in; i += depth()) {
    const int64_t n = std::min(depth(), in - i);
    winograd::transform_panel(w, i, n, width, u);
    winograd::multiply(v + i, vs, u, {width, winograd::point_stride(n, width)}, tiles, n, width, m,
                       ms, i > 0);
  }
  const int64_t block = from / p.block;
  winograd::transform_output(p, m, ms, first, tiles, block, block + width / p.block,
                             reinterpret_cast<const float*>(bias.get()), residual, y);
}

void Convolution::run_streamed(const float* x, const float* residual, float* y,
                               float* scratch) const {
  const Problem& p = problem;
  float* v = scratch;
  for (int64_t t = 0; t < p.tiles(); t += tiles_at_once) {
    const int64_t n = std::min(tiles_at_once, p.tiles() - t);
    cpu::parallel_for(p.in_blocks, 1, threads, [&](int64_t begin, int64_t end) {
      winograd::transform_input(p, x, t, n, begin, end, v);
    });
    cpu::parallel_for(panels(), 1, threads, [&](int64_t begin, int64_t end) {
      float* m = v + v_floats() + omp_get_thread_num() * (m_floats() + u_floats());
      for (int64_t i = begin; i < end; ++i) run_panel(i, v, t, n, m, m + m_floats(), residual, y);
    });
  }
}

void Convolution::run(const cpu::Args& args) const {
  const float* residual = problem.residual ? args.f32(3) : nullptr;
  auto* scratch = reinterpret_cast<float*>(args.scratch);
  if (resident)
    run_resident(args.f32(0), residual, args.f32_out(), scratch);
  else
    run_streamed(args.f32(0), residual, args.f32_out(), scratch);
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
  conv->resident = winograd::weight_floats(p) <= kResidentWeights;
  const Tensor& w = *context.inputs[1].constant;
  const int64_t floats = conv->resident ? winograd::weight_floats(p) : winograd::packed_floats(p);
  conv->weights = TRY(context.packer.pack(
      context.inputs[1],
      fmt::format("winograd4x4;{};{};{}", conv->resident ? 36 : 9, block, winograd::kPanel),
      static_cast<size_t>(floats) * sizeof(float), [&](std::byte* out) {
        auto* to = reinterpret_cast<float*>(out);
        const float* from = w.values<float>().data();
        if (conv->resident)
          winograd::transform_weights(from, w.shape()[0], w.shape()[1], p, to);
        else
          winograd::pack_weights(from, w.shape()[0], w.shape()[1], p, to);
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
  conv->tiles_at_once = std::min(conv->resident ? kOwnTiles : kSharedTiles, p.tiles());
  cpu::Prepared prepared;
  prepared.scratch = static_cast<size_t>(conv->scratch_floats()) * sizeof(float);
  if (p.residual) prepared.in_place = 1u << 3;
  prepared.run = [conv](const cpu::Args& args) {
    conv->run(args);
    return Status{};
  };
  return prepared;
}

}  // namespace tenon::ops
