// ConvTranspose as a matrix product: the transposed weights times some positions of the input give
// what each position adds to its window of the output, which is then added up there.
#include <algorithm>
#include <memory>

#include "ops/common/sliding.kernel.h"
#include "ops/conv_transpose/conv_transpose.kernel.h"
#include "targets/cpu/reorder.h"

namespace tenon::ops {
namespace {

struct TransposedPlan : SlidingProduct {
  using SlidingProduct::SlidingProduct;

  Status run(const cpu::Args& args, int threads) const {
    const float* x = plain(args, in, plain_in, args.f32(0), x_at, threads);
    float* y = out.block > 0 ? at(args, y_at) : args.f32_out();
    float* columns = at(args, columns_at);
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
  auto plan = std::make_shared<TransposedPlan>(context, conv.group);
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

  const int64_t rows = plan->out_channels * plan->taps;
  TRY(plan->divide(rows, [&](int64_t count) {
    return cpu::onednn::product(context, {{rows, plan->in_channels}, {1, rows}},
                                {{plan->in_channels, count}, {plan->in_plane, 1}},
                                {{rows, count}, {count, 1}});
  }));
  return prepared<TransposedPlan>(plan, context.threads);
}

}  // namespace tenon::ops
