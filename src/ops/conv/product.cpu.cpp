// Convolution as a matrix product: what each tap of the window sees at some positions of the output
// is laid out as columns, which the weights are multiplied with. For windows that oneDNN has no
// fast kernel for, such as the long ones of spectrograms.
#include <algorithm>
#include <cmath>
#include <memory>

#include "ops/common/sliding.kernel.h"
#include "ops/conv/conv.kernels.h"
#include "targets/cpu/post_op.h"
#include "targets/cpu/reorder.h"

namespace tenon::ops {
namespace {

float applied(const cpu::PostOp& op, float x, float residual) {
  using Kind = cpu::PostOp::Kind;
  const auto logistic = [](float v) { return 1 / (1 + std::exp(-v)); };
  switch (op.kind) {
    case Kind::sum:
      return x + residual;
    case Kind::relu:
      return x > 0 ? x : op.alpha * x;
    case Kind::clip:
      return std::min(std::max(x, op.alpha), op.beta);
    case Kind::logistic:
      return logistic(x);
    case Kind::tanh:
      return std::tanh(x);
    case Kind::elu:
      return x > 0 ? x : op.alpha * std::expm1(x);
    case Kind::gelu_erf:
      return 0.5F * x * (1 + std::erf(x * 0.70710678F));
    case Kind::gelu_tanh:
      return 0.5F * x * (1 + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    case Kind::swish:
      return x * logistic(op.alpha * x);
    case Kind::hardswish:
      return x * std::clamp(x / 6 + 0.5F, 0.0F, 1.0F);
    case Kind::hardsigmoid:
      return std::clamp(op.alpha * x + op.beta, 0.0F, 1.0F);
    case Kind::linear:
      return op.alpha * x + op.beta;
  }
  return x;
}

struct ConvPlan : SlidingProduct {
  using SlidingProduct::SlidingProduct;
  size_t residual_at = 0;
  std::vector<cpu::PostOp> post;
  bool residual = false;

  Status run(const cpu::Args& args, int threads) const {
    const float* x = plain(args, in, plain_in, args.f32(0), x_at, threads);
    const float* more =
        residual ? plain(args, out, plain_out, args.f32(3), residual_at, threads) : nullptr;
    float* y = out.block > 0 ? at(args, y_at) : args.f32_out();
    float* columns = at(args, columns_at);
    const int64_t rows = in_channels * taps;
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t g = 0; g < groups; ++g) {
        const int64_t base = (n * groups + g) * out_channels * out_plane;
        const float* from = x + (n * groups + g) * in_channels * in_plane;
        const float* weights = args.f32(1) + g * out_channels * rows;
        for (int64_t first = 0; first < out_plane; first += at_once) {
          const int64_t count = std::min(at_once, out_plane - first);
          cpu::parallel_for(rows, 16, threads, [&](int64_t begin, int64_t end) {
            for (int64_t r = begin; r < end; ++r)
              lay_out(from + r / taps * in_plane, r % taps, first, count, columns + r * count);
          });
          TRY((count == at_once ? whole : rest)
                  .run(weights, columns, y + base + first, args.scratch + product_at));
        }
        const float* b = bias ? args.f32(2) + g * out_channels : nullptr;
        cpu::parallel_for(out_channels, 1, threads, [&](int64_t begin, int64_t end) {
          for (int64_t c = begin; c < end; ++c)
            finish(b ? b[c] : 0, more ? more + base + c * out_plane : nullptr,
                   y + base + c * out_plane);
        });
      }
    }
    if (out.block > 0) cpu::reorder(plain_out, y, out, args.f32_out(), threads);
    return {};
  }

  // What one tap sees of a plane at the positions from `first`.
  void lay_out(const float* plane, int64_t tap, int64_t first, int64_t count, float* to) const {
    const int64_t step = windows.stride();
    windows.for_runs(tap, first, count,
                     [&](int64_t column, int64_t run, int64_t begin, int64_t end, int64_t start) {
                       float* line = to + column;
                       std::fill(line, line + begin, 0.0F);
                       for (int64_t i = begin; i < end; ++i) line[i] = plane[start + i * step];
                       std::fill(line + end, line + run, 0.0F);
                     });
  }

  void finish(float b, const float* more, float* y) const {
    if (b != 0) {
      for (int64_t i = 0; i < out_plane; ++i) y[i] += b;
    }
    for (const cpu::PostOp& op : post) {
      for (int64_t i = 0; i < out_plane; ++i) y[i] = applied(op, y[i], more ? more[i] : 0);
    }
  }
};

}  // namespace

Result<cpu::Prepared> make_product(cpu::MakeContext& context,
                                   const cpu::onednn::Convolution& conv) {
  const cpu::Desc &x = context.in(0), &w = context.in(1), &y = context.outputs[0];
  if (x.dtype != DType::f32 || w.dtype != DType::f32 || y.dtype != DType::f32)
    return context.refuse("another type than f32");
  if (x.count() == 0 || y.count() == 0 || w.count() == 0) return context.refuse("an empty tensor");
  auto plan = std::make_shared<ConvPlan>(context, conv.group);
  plan->in_channels = w.dims[1];
  plan->out_channels = w.dims[0] / conv.group;
  if (plan->in_channels * conv.group != x.dims[1] || plan->out_channels * conv.group != y.dims[1])
    return context.refuse("channels that do not fit each other");
  for (size_t d = 0; d + 2 < x.dims.size(); ++d)
    plan->windows.axes.push_back({y.dims[d + 2], x.dims[d + 2], w.dims[d + 2], conv.strides[d],
                                  conv.dilations[d], conv.pads_begin[d]});
  plan->in_plane = element_count(std::span(x.dims).subspan(2));
  plan->out_plane = plan->windows.positions();
  plan->taps = plan->windows.taps();
  plan->post = conv.post;
  plan->residual = context.has(3);
  if (plan->residual && context.in(3) != y) return context.refuse("a residual of another size");

  const int64_t rows = plan->in_channels * plan->taps;
  TRY(plan->divide(rows, [&](int64_t count) {
    return cpu::onednn::product(context, {{plan->out_channels, rows}, {rows, 1}},
                                {{rows, count}, {count, 1}},
                                {{plan->out_channels, count}, {plan->out_plane, 1}});
  }));
  if (y.block > 0 && plan->residual) plan->residual_at = plan->place(plan->plain_out.bytes());
  return prepared<ConvPlan>(plan, context.threads);
}

}  // namespace tenon::ops
