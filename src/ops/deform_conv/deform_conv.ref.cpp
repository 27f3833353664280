#include "ops/deform_conv/deform_conv.h"

#include "ops/common/ref.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

// A plane between its pixels; pixels outside count as zero.
double between(const double* plane, int64_t height, int64_t width, double y, double x) {
  if (!(y > -1 && x > -1 && y < static_cast<double>(height) && x < static_cast<double>(width)))
    return 0;
  const auto top = static_cast<int64_t>(std::floor(y)), left = static_cast<int64_t>(std::floor(x));
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  auto pixel = [&](int64_t i, int64_t j) {
    return i >= 0 && i < height && j >= 0 && j < width ? plane[i * width + j] : 0.0;
  };
  return (1 - dy) * ((1 - dx) * pixel(top, left) + dx * pixel(top, left + 1)) +
         dy * ((1 - dx) * pixel(top + 1, left) + dx * pixel(top + 1, left + 1));
}

Status run_deform_conv(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<DeformConv>();
  const Tensor &x = c.input(0), &w = c.input(1), &offset = c.input(2);
  if (x.shape().size() != 4 || w.shape().size() != 4 || offset.shape().size() != 4)
    return c.fail("only images of two spatial dimensions");
  const int64_t batch = x.shape()[0], channels = x.shape()[1], height = x.shape()[2],
                width = x.shape()[3], filters = w.shape()[0], kh = w.shape()[2], kw = w.shape()[3];
  auto window = make_window("NOTSET", {kh, kw}, op.strides, op.dilations, op.pads, 2);
  if (!window) return c.fail(window.error());
  const int64_t rows = *window->output(height, 0).constant(),
                columns = *window->output(width, 1).constant();
  if (op.group < 1 || op.offset_group < 1 || channels != w.shape()[1] * op.group ||
      filters % op.group != 0 || channels % op.offset_group != 0)
    return c.fail("channels, weights and groups do not fit each other");
  const Dims of_offset{batch, 2 * op.offset_group * kh * kw, rows, columns},
      of_mask{batch, op.offset_group * kh * kw, rows, columns};
  if (rows < 0 || columns < 0 || offset.shape() != of_offset ||
      (c.has(4) && c.input(4).shape() != of_mask) || (c.has(3) && c.input(3).count() != filters))
    return c.fail("offset, mask or bias do not fit the output");
  const Dims dims{batch, filters, rows, columns};
  TRY(check_size(c, x.dtype(), dims));
  const auto values = elements<double>(x), weights = elements<double>(w),
             moves = elements<double>(offset);
  const auto mask = c.has(4) ? elements<double>(c.input(4)) : std::vector<double>();
  const auto bias = c.has(3) ? elements<double>(c.input(3)) : std::vector<double>();
  const int64_t top = window->padding(height, 0).first, left = window->padding(width, 1).first;
  const int64_t group_channels = channels / op.group, group_filters = filters / op.group,
                places = rows * columns, taps = kh * kw;
  std::vector<double> out(static_cast<size_t>(element_count(dims)));
  std::vector<double> sampled(static_cast<size_t>(channels * taps));
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t place = 0; place < places; ++place) {
      const int64_t oy = place / columns, ox = place % columns;
      for (int64_t ch = 0; ch < channels; ++ch) {
        const int64_t og = ch / (channels / op.offset_group);
        for (int64_t t = 0; t < taps; ++t) {
          const int64_t entry = (n * op.offset_group + og) * taps + t;
          const double y =
              static_cast<double>(oy * window->strides[0] - top + t / kw * window->dilations[0]) +
              moves[static_cast<size_t>(2 * entry * places + place)];
          const double at =
              static_cast<double>(ox * window->strides[1] - left + t % kw * window->dilations[1]) +
              moves[static_cast<size_t>((2 * entry + 1) * places + place)];
          const double weight =
              mask.empty() ? 1 : mask[static_cast<size_t>(entry * places + place)];
          sampled[static_cast<size_t>(ch * taps + t)] =
              weight *
              between(values.data() + (n * channels + ch) * height * width, height, width, y, at);
        }
      }
      for (int64_t f = 0; f < filters; ++f) {
        const double* row = sampled.data() + f / group_filters * group_channels * taps;
        double sum = bias.empty() ? 0 : bias[static_cast<size_t>(f)];
        for (int64_t i = 0; i < group_channels * taps; ++i)
          sum += row[i] * weights[static_cast<size_t>(f * group_channels * taps + i)];
        out[static_cast<size_t>((n * filters + f) * places + place)] = sum;
      }
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> deform_conv_ref() {
  static constexpr RefKernel kernels[] = {kernel<DeformConv>(run_deform_conv)};
  return kernels;
}

}  // namespace tenon::ops
