#include "ops/conv/conv.h"

#include "ops/common/ref_gemm.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

constexpr int64_t kBlock = 1024;  // output positions that are gathered at a time

struct ConvShape {
  Window window;
  std::vector<int64_t> in, out;  // spatial sizes
  std::vector<int64_t> begin;    // padding before
  int64_t kernel_count = 1, out_count = 1, in_count = 1;
};

// Columns [first, first + count) of the matrix whose product with the weights is the convolution:
// row (channel, kernel position), column (output position).
template <class T>
void gather_columns(const ConvShape& s, const T* x, int64_t channels, int64_t first, int64_t count,
                    T* columns) {
  const size_t rank = s.in.size();
  const Dims in_strides = strides_of(s.in);
  std::vector<int64_t> kernel_index(rank, 0), position(rank);
  for (int64_t k = 0; k < s.kernel_count; ++k) {
    for (int64_t j = 0; j < count; ++j) {
      int64_t rest = first + j, offset = 0;
      bool inside = true;
      for (size_t d = rank; d-- > 0;) {
        const int64_t p = rest % s.out[d] * s.window.strides[d] - s.begin[d] +
                          kernel_index[d] * s.window.dilations[d];
        rest /= s.out[d];
        inside = inside && p >= 0 && p < s.in[d];
        offset += p * in_strides[d];
      }
      for (int64_t ch = 0; ch < channels; ++ch) {
        columns[(ch * s.kernel_count + k) * kBlock + j] =
            inside ? x[ch * s.in_count + offset] : T{0};
      }
    }
    for (size_t d = rank; d-- > 0;) {
      if (++kernel_index[d] < s.window.kernel[d]) break;
      kernel_index[d] = 0;
    }
  }
}

Status run_conv(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Conv>();
  const Tensor &x = c.input(0), &w = c.input(1);
  const size_t rank = x.shape().size();
  if (rank < 3 || w.shape().size() != rank) return c.fail("input and weights have other ranks");
  const int64_t groups = op.group, batch = x.shape()[0], channels = x.shape()[1];
  const int64_t filters = w.shape()[0];
  if (groups < 1 || channels != w.shape()[1] * groups || filters % groups != 0)
    return c.fail("channels, weights and group do not fit each other");
  auto window = make_window(op.auto_pad, {w.shape().begin() + 2, w.shape().end()}, op.strides,
                            op.dilations, op.pads, rank - 2);
  if (!window) return c.fail(window.error());
  ConvShape s{.window = std::move(*window)};
  Dims dims{batch, filters};
  for (size_t i = 0; i < rank - 2; ++i) {
    s.in.push_back(x.shape()[i + 2]);
    s.out.push_back(*s.window.output(s.in[i], i).constant());
    if (s.out[i] < 0) return c.fail("the window is larger than the padded input");
    s.begin.push_back(s.window.padding(s.in[i], i).first);
    s.kernel_count *= s.window.kernel[i];
    s.out_count *= s.out[i];
    s.in_count *= s.in[i];
    dims.push_back(s.out[i]);
  }
  TRY(check_size(c, x.dtype(), dims));
  std::vector<double> out(static_cast<size_t>(element_count(dims)));
  const int64_t group_channels = channels / groups, group_filters = filters / groups;
  const int64_t depth = group_channels * s.kernel_count;
  with_operands(x, w, [&]<class T>(const std::vector<T>& p, const std::vector<T>& q) {
    std::vector<T> columns(static_cast<size_t>(depth * kBlock));
    std::vector<double> block(static_cast<size_t>(group_filters * kBlock));
    for (int64_t image = 0; image < batch * groups; ++image) {
      const T* from = p.data() + image * group_channels * s.in_count;
      const T* weights = q.data() + image % groups * group_filters * depth;
      double* to = out.data() + image * group_filters * s.out_count;
      for (int64_t first = 0; first < s.out_count; first += kBlock) {
        const int64_t count = std::min(kBlock, s.out_count - first);
        gather_columns(s, from, group_channels, first, count, columns.data());
        ref_gemm(group_filters, count, depth, MatrixView<T>{weights, depth, 1},
                 MatrixView<T>{columns.data(), kBlock, 1}, block.data());
        for (int64_t f = 0; f < group_filters; ++f)
          std::copy_n(block.data() + f * count, count, to + f * s.out_count + first);
      }
    }
  });
  if (c.has(2)) {
    const auto bias = elements<double>(c.input(2));
    if (static_cast<int64_t>(bias.size()) != filters) return c.fail("the bias has a wrong size");
    for (int64_t i = 0; i < batch * filters; ++i) {
      for (int64_t j = 0; j < s.out_count; ++j)
        out[static_cast<size_t>(i * s.out_count + j)] += bias[static_cast<size_t>(i % filters)];
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> conv_ref() {
  static constexpr RefKernel kernels[] = {kernel<Conv>(run_conv)};
  return kernels;
}

}  // namespace tenon::ops
