// ConvTranspose as a matrix product: the transposed weights times some positions of the input give
// what each position adds to its window of the output, which is then added up there.
#include <algorithm>
#include <memory>

#include "ops/common/sliding.kernel.h"
#include "ops/conv_transpose/conv_transpose.kernel.h"
#include "targets/cpu/reorder.h"

namespace tenon::ops {
namespace {

struct TransposedPlan {
  int64_t batch, groups, in_channels, out_channels;  // channels of a group
  int64_t in_plane, out_plane, taps;
  Sliding windows;
  cpu::onednn::Product whole, rest;
  int64_t at_once;  // positions of a whole piece
  cpu::Desc in, out, plain_in, plain_out;
  size_t x_at = 0, y_at = 0, columns_at = 0, product_at = 0, scratch = 0;
  bool bias = false;

  Status run(const cpu::Args& args, int threads) const {
    const float* x = args.f32(0);
    float* y = args.f32_out();
    if (in.block > 0) {
      auto* plain = reinterpret_cast<float*>(args.scratch + x_at);
      cpu::reorder(in, x, plain_in, plain, threads);
      x = plain;
    }
    if (out.block > 0) y = reinterpret_cast<float*>(args.scratch + y_at);
    auto* columns = reinterpret_cast<float*>(args.scratch + columns_at);
    const float* b = bias ? args.f32(2) : nullptr;
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t g = 0; g < groups; ++g) {
        const float* from = x + (n * groups + g) * in_channels * in_plane;
        const float* weights = args.f32(1) + g * in_channels * out_channels * taps;
        float* to = y + (n * groups + g) * out_channels * out_plane;
        cpu::parallel_for(out_channels, 1, threads, [&](int64_t begin, int64_t end) {
          for (int64_t c = begin; c < end; ++c)
            std::fill_n(to + c * out_plane, out_plane, b ? b[g * out_channels + c] : 0.0F);
        });
        for (int64_t first = 0; first < in_plane; first += at_once) {
          const int64_t count = std::min(at_once, in_plane - first);
          TRY((count == at_once ? whole : rest)
                  .run(weights, from + first, columns, args.scratch + product_at));
          cpu::parallel_for(out_channels, 1, threads, [&](int64_t begin, int64_t end) {
            for (int64_t c = begin; c < end; ++c)
              add_up(columns + c * taps * count, first, count, to + c * out_plane);
          });
        }
      }
    }
    if (out.block > 0) cpu::reorder(plain_out, y, out, args.f32_out(), threads);
    return {};
  }

  // What the positions from `first` add to one channel: rows of `columns` are the window's taps.
  void add_up(const float* columns, int64_t first, int64_t count, float* to) const {
    const int64_t step = windows.stride();
    for (int64_t tap = 0; tap < taps; ++tap, columns += count) {
      windows.for_runs(tap, first, count,
                       [&](int64_t column, int64_t, int64_t begin, int64_t end, int64_t start) {
                         for (int64_t i = begin; i < end; ++i)
                           to[start + i * step] += columns[column + i];
                       });
    }
  }
};

}  // namespace

Result<cpu::Prepared> make_transposed_product(cpu::MakeContext& context,
                                              const cpu::onednn::Convolution& conv) {
  const cpu::Desc &x = context.in(0), &w = context.in(1), &y = context.outputs[0];
  if (x.count() == 0 || y.count() == 0 || w.count() == 0) return context.refuse("an empty tensor");
  auto plan = std::make_shared<TransposedPlan>();
  plan->batch = x.dims[0];
  plan->groups = conv.group;
  plan->in_channels = x.dims[1] / conv.group;
  plan->out_channels = w.dims[1];
  if (plan->in_channels * conv.group != w.dims[0] || plan->out_channels * conv.group != y.dims[1])
    return context.refuse("channels that do not fit each other");
  for (size_t d = 0; d + 2 < x.dims.size(); ++d)
    plan->windows.axes.push_back({x.dims[d + 2], y.dims[d + 2], w.dims[d + 2], conv.strides[d],
                                  conv.dilations[d], conv.pads_begin[d]});
  plan->in_plane = plan->windows.positions();
  plan->out_plane = element_count(std::span(y.dims).subspan(2));
  plan->taps = plan->windows.taps();
  plan->bias = context.has(2);
  plan->in = plan->plain_in = x;
  plan->out = plan->plain_out = y;
  plan->plain_in.block = plan->plain_out.block = 0;

  const int64_t rows = plan->out_channels * plan->taps;
  plan->at_once = std::min(plan->in_plane, positions_at_once(rows));
  const auto product = [&](int64_t count) {
    return cpu::onednn::product(context, {{rows, plan->in_channels}, {1, rows}},
                                {{plan->in_channels, count}, {plan->in_plane, 1}},
                                {{rows, count}, {count, 1}});
  };
  plan->whole = TRY(product(plan->at_once));
  if (const int64_t rest = plan->in_plane % plan->at_once; rest != 0)
    plan->rest = TRY(product(rest));

  const auto place = [&](size_t bytes) {
    const size_t at = plan->scratch;
    plan->scratch += (bytes + 63) / 64 * 64;
    return at;
  };
  if (x.block > 0) plan->x_at = place(plan->plain_in.bytes());
  if (y.block > 0) plan->y_at = place(plan->plain_out.bytes());
  plan->columns_at = place(static_cast<size_t>(rows * plan->at_once) * sizeof(float));
  plan->product_at = place(std::max(plan->whole.scratch, plan->rest.scratch));
  cpu::Prepared prepared;
  prepared.scratch = plan->scratch;
  prepared.run = [plan, threads = context.threads](const cpu::Args& args) {
    return plan->run(args, threads);
  };
  return prepared;
}

}  // namespace tenon::ops
