#include "ops/common/window.h"

#include <algorithm>

namespace tenon::ops {

ir::Dim Window::output(const ir::Dim& input, size_t axis) const {
  const int64_t stride = strides[axis];
  if (same()) return ceildiv(input, stride);
  const int64_t begin = pads[axis], end = pads[axis + rank()];
  const ir::Dim room = input + ir::Dim(begin + end - extent(axis));
  if (!ceil_mode) return floordiv(room, stride) + ir::Dim(1);
  // The last window must start inside the input or the padding before it.
  const ir::Dim rounded = floordiv(room + ir::Dim(stride - 1), stride);
  if (end - extent(axis) + stride <= 0) return rounded + ir::Dim(1);
  return min(rounded, floordiv(input + ir::Dim(begin - 1), stride)) + ir::Dim(1);
}

std::pair<int64_t, int64_t> Window::padding(int64_t input, size_t axis) const {
  if (!same()) return {pads[axis], pads[axis + rank()]};
  const int64_t outputs = (input + strides[axis] - 1) / strides[axis];
  const int64_t total = std::max<int64_t>(0, (outputs - 1) * strides[axis] + extent(axis) - input);
  const int64_t less = total / 2, more = total - less;
  return auto_pad == "SAME_UPPER" ? std::pair(less, more) : std::pair(more, less);
}

std::expected<Window, std::string> make_window(std::string auto_pad, std::vector<int64_t> kernel,
                                               std::vector<int64_t> strides,
                                               std::vector<int64_t> dilations,
                                               std::vector<int64_t> pads, size_t rank,
                                               bool ceil_mode) {
  if (auto_pad.empty()) auto_pad = "NOTSET";
  if (auto_pad != "NOTSET" && auto_pad != "VALID" && auto_pad != "SAME_UPPER" &&
      auto_pad != "SAME_LOWER") {
    return std::unexpected("auto_pad '" + auto_pad + "' is not known");
  }
  if (strides.empty()) strides.assign(rank, 1);
  if (dilations.empty()) dilations.assign(rank, 1);
  if (pads.empty() || auto_pad == "VALID") pads.assign(2 * rank, 0);
  if (kernel.size() != rank || strides.size() != rank || dilations.size() != rank ||
      pads.size() != 2 * rank) {
    return std::unexpected(fmt::format(
        "kernel_shape has {}, strides {}, dilations {} and pads {} elements for {} spatial axes",
        kernel.size(), strides.size(), dilations.size(), pads.size(), rank));
  }
  constexpr int64_t kLimit = int64_t{1} << 31;  // keeps the arithmetic from overflowing
  auto within = [&](const std::vector<int64_t>& values, int64_t low) {
    return std::all_of(values.begin(), values.end(),
                       [&](int64_t v) { return v >= low && v < kLimit; });
  };
  if (!within(kernel, 1) || !within(strides, 1) || !within(dilations, 1) ||
      !within(pads, -kLimit)) {
    return std::unexpected("kernel_shape, strides or dilations are not positive");
  }
  return Window{std::move(auto_pad),  std::move(kernel), std::move(strides),
                std::move(dilations), std::move(pads),   ceil_mode};
}

}  // namespace tenon::ops
