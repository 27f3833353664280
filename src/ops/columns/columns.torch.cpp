// Sliding windows as columns, and back: im2col and col2im.
#include <fmt/format.h>

#include "ops/common/lower.h"
#include "ops/conv_transpose/conv_transpose.h"
#include "ops/pad/pad.h"

namespace tenon::ops {
namespace columns_lowering {

using lower::V;
using torch::LowerContext;

struct Windows {
  std::vector<int64_t> kernel, dilation, padding, stride;
  int64_t count(size_t axis, int64_t size) const {
    return (size + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
  }
};

std::optional<Windows> windows(LowerContext& c) {
  Windows w{c.constants("kernel_size"), c.constants("dilation"), c.constants("padding"),
            c.constants("stride")};
  for (std::vector<int64_t>* values : {&w.kernel, &w.dilation, &w.padding, &w.stride}) {
    if (values->size() == 1) values->resize(2, (*values)[0]);
    if (values->size() != 2 || (values != &w.padding && ((*values)[0] < 1 || (*values)[1] < 1))) {
      c.refuse("a window needs two positive numbers each");
      return std::nullopt;
    }
  }
  return w;
}

V* to_columns(LowerContext& c) {
  const auto w = windows(c);
  if (!w) return nullptr;
  return lower::batched(c, c.tensor("self"), 4, [&](V* x) -> std::vector<V*> {
    const Sizes sizes = lower::sizes(c, x);
    const auto h = sizes[2].constant(), width = sizes[3].constant();
    if (!h || !width)
      return {c.refuse("the number of windows depends on the input",
                       "fix the dimensions with --shapes")};
    if (w->padding[0] || w->padding[1]) {
      const std::vector<int64_t> pads{0, 0, w->padding[0], w->padding[1],
                                      0, 0, w->padding[0], w->padding[1]};
      x = c.b.emit(Pad{}, {x, c.b.ints(pads), lower::like(c, x, 0)});
    }
    // Each axis becomes two: the place in the window, and the window.
    int64_t counts[2] = {w->count(0, *h), w->count(1, *width)};
    for (size_t axis = 2; axis-- > 0;) {
      if (counts[axis] < 1 || counts[axis] * w->kernel[axis] > (int64_t{1} << 24))
        return {c.refuse("the windows do not fit the input")};
      std::vector<int64_t> places;
      for (int64_t k = 0; k < w->kernel[axis]; ++k) {
        for (int64_t i = 0; i < counts[axis]; ++i)
          places.push_back(k * w->dilation[axis] + i * w->stride[axis]);
      }
      x = lower::gather(c, x, lower::int_table(c, places, {w->kernel[axis], counts[axis]}),
                        static_cast<int64_t>(axis) + 2);
    }
    x = lower::transpose(c, x, {0, 1, 2, 4, 3, 5});
    return {lower::reshape(
        c, x, {sizes[0], sizes[1] * ir::Dim(w->kernel[0] * w->kernel[1]), counts[0] * counts[1]})};
  });
}

// Overlapping windows add up: a transposed convolution whose kernels each hold a single one.
V* from_columns(LowerContext& c) {
  const auto w = windows(c);
  const std::vector<int64_t> size = c.constants("output_size");
  if (!w || size.size() != 2) return c.refuse("the output needs two sizes");
  return lower::batched(c, c.tensor("self"), 3, [&](V* x) -> std::vector<V*> {
    const Sizes sizes = lower::sizes(c, x);
    const int64_t area = w->kernel[0] * w->kernel[1];
    const auto rows = sizes[1].constant();
    if (!rows || *rows % area != 0) return {c.refuse("the columns are no whole windows")};
    const int64_t channels = *rows / area, high = w->count(0, size[0]), wide = w->count(1, size[1]);
    if (high < 1 || wide < 1 || *rows * area > (int64_t{1} << 24))
      return {c.refuse("the windows do not fit the output")};
    std::vector<double> ones(static_cast<size_t>(*rows * area), 0.0);
    for (int64_t i = 0; i < *rows; ++i) ones[static_cast<size_t>(i * area + i % area)] = 1;
    ConvTranspose op;
    op.dilations = w->dilation;
    op.group = channels;
    op.kernel_shape = w->kernel;
    op.strides = w->stride;
    op.pads = {w->padding[0], w->padding[1], w->padding[0], w->padding[1]};
    for (size_t axis = 0; axis < 2; ++axis) {
      const int64_t reached = (w->count(axis, size[axis]) - 1) * w->stride[axis] +
                              w->dilation[axis] * (w->kernel[axis] - 1) + 1 - 2 * w->padding[axis];
      op.output_padding.push_back(size[axis] - reached);
    }
    V* kernel = lower::float_table(c, ones, {*rows, 1, w->kernel[0], w->kernel[1]}, x->dtype());
    return {c.b.emit(op, {lower::reshape(c, x, {sizes[0], *rows, high, wide}), kernel})};
  });
}

}  // namespace columns_lowering

std::span<const torch::Lowering> columns_torch() {
  using namespace columns_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::im2col", to_columns},
                                             {"aten::col2im", from_columns}};
  return kAll;
}

}  // namespace tenon::ops
