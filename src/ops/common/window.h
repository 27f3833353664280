// Sliding windows: what convolution and pooling share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ir/dim.h"

namespace tenon::ops {

// One window attribute set with its defaults filled in.
struct Window {
  std::string auto_pad;
  std::vector<int64_t> kernel, strides, dilations;
  std::vector<int64_t> pads;  // begins, then ends
  bool ceil_mode = false;

  size_t rank() const { return kernel.size(); }
  int64_t extent(size_t axis) const { return dilations[axis] * (kernel[axis] - 1) + 1; }
  bool same() const { return auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER"; }
  // Output size of a pooling or convolution along a spatial axis.
  ir::Dim output(const ir::Dim& input, size_t axis) const;
  // Padding before and after, for a known size.
  std::pair<int64_t, int64_t> padding(int64_t input, size_t axis) const;
};

// Fills in defaults for `rank` spatial axes and checks that the attributes make sense; the error is
// the reason alone.
std::expected<Window, std::string> make_window(std::string auto_pad, std::vector<int64_t> kernel,
                                               std::vector<int64_t> strides,
                                               std::vector<int64_t> dilations,
                                               std::vector<int64_t> pads, size_t rank,
                                               bool ceil_mode = false);

}  // namespace tenon::ops
