#include "ops/grid_sample/grid_sample.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace grid_sample_lowering {

using lower::V;
using torch::LowerContext;

V* grid_sample(LowerContext& c) {
  const int64_t mode = c.constant("interpolation_mode"), padding = c.constant("padding_mode");
  if (mode < 0 || mode > 2 || padding < 0 || padding > 2) return c.refuse("a mode is not known");
  if (mode == 2 && padding != 0) {
    return c.refuse(
        "cubic sampling outside of the image: ONNX bounds the position, PyTorch each of its taps",
        "use zero padding");
  }
  static constexpr const char* kModes[] = {"linear", "nearest", "cubic"};
  static constexpr const char* kPaddings[] = {"zeros", "border", "reflection"};
  GridSample op{.align_corners = c.flag("align_corners"),
                .mode = kModes[mode],
                .padding_mode = kPaddings[padding]};
  return c.b.emit(op, {c.tensor("input"), c.tensor("grid")});
}

// The grid of an affine map: theta times the positions of the output's elements.
V* affine_grid(LowerContext& c) {
  V* theta = c.tensor("theta");
  const Sizes wanted = c.ints("size");  // the batch and the channels do not matter
  const bool corners = c.flag("align_corners");
  if (wanted.size() < 4 || wanted.size() > 5)
    return c.refuse("the grid's size needs four or five numbers");
  std::vector<int64_t> size(2, 0);
  for (size_t i = 2; i < wanted.size(); ++i) {
    const auto n = wanted[i].constant();
    if (!n) {
      return c.refuse("the grid's size is not known when the model is converted: it is " +
                          ir::to_string(wanted),
                      "fix the image's size with --shapes");
    }
    size.push_back(*n);
  }
  const auto rank = static_cast<int64_t>(size.size()) - 2;
  int64_t points = 1;
  for (int64_t i = 0; i < rank; ++i)
    points *= std::max<int64_t>(size[static_cast<size_t>(i) + 2], 0);
  if (points < 1 || points > (int64_t{1} << 24)) return c.refuse("the grid's size is out of range");
  std::vector<double> base;
  for (int64_t p = 0; p < points; ++p) {
    int64_t rest = p;
    for (int64_t axis = rank - 1; axis >= 0; --axis) {  // last axis first
      const int64_t n = size[static_cast<size_t>(axis) + 2], i = rest % n;
      rest /= n;
      const auto at = static_cast<double>(i), all = static_cast<double>(n);
      base.push_back(corners ? (n > 1 ? -1 + 2 * at / (all - 1) : 0) : (2 * at + 1) / all - 1);
    }
    base.push_back(1);
  }
  V* places = lower::float_table(c, base, {points, rank + 1}, theta->dtype());
  V* grid = lower::matmul(c, places, lower::transpose(c, theta, {0, 2, 1}));
  Sizes out{lower::sizes(c, grid).empty() ? ir::Dim(1) : lower::sizes(c, grid)[0]};
  for (int64_t i = 0; i < rank; ++i) out.emplace_back(size[static_cast<size_t>(i) + 2]);
  out.emplace_back(rank);
  return lower::reshape(c, grid, out);
}

}  // namespace grid_sample_lowering

std::span<const torch::Lowering> grid_sample_torch() {
  using namespace grid_sample_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::grid_sampler", grid_sample},
      {"aten::grid_sampler_2d", grid_sample},
      {"aten::grid_sampler_3d", grid_sample},
      {"aten::affine_grid_generator", affine_grid},
  };
  return kAll;
}

}  // namespace tenon::ops
