#include "ops/conv_transpose/conv_transpose.h"

#include "ops/common/ref.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

Status run_conv_transpose(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<ConvTranspose>();
  const Tensor &x = c.input(0), &w = c.input(1);
  const size_t rank = x.shape().size();
  if (rank < 3 || w.shape().size() != rank) return c.fail("input and weights have other ranks");
  const int64_t batch = x.shape()[0], channels = x.shape()[1], groups = op.group;
  if (groups < 1 || channels != w.shape()[0] || channels % groups != 0)
    return c.fail("channels, weights and group do not fit each other");
  const int64_t group_filters = w.shape()[1], filters = group_filters * groups;
  auto made = make_window(op.auto_pad, {w.shape().begin() + 2, w.shape().end()}, op.strides,
                          op.dilations, op.pads, rank - 2);
  if (!made) return c.fail(made.error());
  const Window& window = *made;
  std::vector<int64_t> extra = op.output_padding;
  if (extra.empty()) extra.assign(rank - 2, 0);
  Dims dims{batch, filters};
  std::vector<int64_t> in, out, begin;
  for (size_t i = 0; i < rank - 2; ++i) {
    in.push_back(x.shape()[i + 2]);
    const int64_t full = window.strides[i] * (in[i] - 1) + extra[i] + window.extent(i);
    int64_t size = full - window.pads[i] - window.pads[i + rank - 2], before = window.pads[i];
    if (op.output_shape || window.same()) {
      size = op.output_shape ? (*op.output_shape)[op.output_shape->size() - (rank - 2) + i]
                             : in[i] * window.strides[i];
      const int64_t total = std::max<int64_t>(full - size, 0);
      before = op.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    if (size < 0) return c.fail("the padding is larger than the output");
    out.push_back(size);
    begin.push_back(before);
    dims.push_back(size);
  }
  TRY(check_size(c, x.dtype(), dims));
  const auto p = elements<double>(x), q = elements<double>(w);
  std::vector<double> y(static_cast<size_t>(element_count(dims)));
  if (c.has(2)) {
    const auto bias = elements<double>(c.input(2));
    const int64_t positions = element_count(out);
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = bias[i / static_cast<size_t>(positions) % static_cast<size_t>(filters)];
  }
  const int64_t in_count = element_count(in), out_count = element_count(out),
                kernel_count = element_count(window.kernel);
  const int64_t group_channels = channels / groups;
  const Dims out_strides = strides_of(out);
  // Every input element spreads over the window at its place.
  for (int64_t i = 0; i < in_count; ++i) {
    for (int64_t k = 0; k < kernel_count; ++k) {
      int64_t rest = i, kernel_rest = k, offset = 0;
      bool inside = true;
      for (size_t d = rank - 2; d-- > 0;) {
        const int64_t position = rest % in[d] * window.strides[d] - begin[d] +
                                 kernel_rest % window.kernel[d] * window.dilations[d];
        rest /= in[d];
        kernel_rest /= window.kernel[d];
        inside = inside && position >= 0 && position < out[d];
        offset += position * out_strides[d];
      }
      if (!inside) continue;
      for (int64_t n = 0; n < batch; ++n) {
        for (int64_t ch = 0; ch < channels; ++ch) {
          const double v = p[static_cast<size_t>((n * channels + ch) * in_count + i)];
          const int64_t group = ch / group_channels;
          for (int64_t f = 0; f < group_filters; ++f) {
            const int64_t filter = n * filters + group * group_filters + f;
            y[static_cast<size_t>(filter * out_count + offset)] +=
                v * q[static_cast<size_t>((ch * group_filters + f) * kernel_count + k)];
          }
        }
      }
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, y);
  return {};
}

}  // namespace

std::span<const RefKernel> conv_transpose_ref() {
  static constexpr RefKernel kernels[] = {kernel<ConvTranspose>(run_conv_transpose)};
  return kernels;
}

}  // namespace tenon::ops
