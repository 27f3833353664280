#include "ops/common/resize_taps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ir/op.h"
#include "ops/common/resize_size.h"

namespace tenon::ops {
namespace {

double source_position(const Resize& op, const ResizedAxis& axis, int64_t x) {
  const auto at = static_cast<double>(x), in = static_cast<double>(axis.in);
  const double out = axis.scale * in;
  const std::string& mode = op.coordinate_transformation_mode;
  if (mode == "align_corners") return out == 1 ? 0 : at * (in - 1) / (out - 1);
  if (mode == "asymmetric") return at / axis.scale;
  if (mode == "tf_crop_and_resize") {
    const double range = axis.roi_end - axis.roi_start;
    return (out == 1 ? range * (in - 1) / 2 : at * range * (in - 1) / (out - 1)) +
           axis.roi_start * (in - 1);
  }
  if (mode == "pytorch_half_pixel" && out == 1) return -0.5;
  double offset = 0;
  if (mode == "half_pixel_symmetric") offset = in / 2 * (1 - static_cast<double>(axis.out) / out);
  return offset + (at + 0.5) / axis.scale - 0.5;
}

double cubic_weight(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// Weights of the positions base + first, base + first + 1, ...; the source lies at base + ratio,
// 0 < ratio <= 1.
std::vector<double> tap_weights(const Resize& op, double ratio, double scale, int64_t& first) {
  const double shrink = op.antialias ? std::min(scale, 1.0) : 1.0;
  first = 0;
  if (op.mode == "nearest") {
    if (ratio == 1) return {0, 1};
    if (op.nearest_mode == "floor") return {1, 0};
    if (op.nearest_mode == "ceil") return {0, 1};
    const bool up = op.nearest_mode == "round_prefer_floor" ? ratio > 0.5 : ratio >= 0.5;
    return up ? std::vector<double>{0, 1} : std::vector<double>{1, 0};
  }
  const bool linear = op.mode == "linear";
  first = static_cast<int64_t>(std::floor((linear ? -1 : -2) / shrink)) + 1;
  const int64_t count = 2 - 2 * first;
  std::vector<double> out;
  double sum = 0;
  for (int64_t i = first; i < first + count; ++i) {
    const double x = (static_cast<double>(i) - ratio) * shrink;
    out.push_back(linear ? std::clamp(1 - std::fabs(x), 0.0, 1.0)
                         : cubic_weight(x, op.cubic_coeff_a));
    sum += out.back();
  }
  if (op.antialias) {
    for (double& w : out) w /= sum;
  }
  return out;
}

}  // namespace

std::vector<Taps> make_taps(const Resize& op, const ResizedAxis& axis) {
  std::vector<Taps> out;
  for (int64_t x = 0; x < axis.out; ++x) {
    const double position = source_position(op, axis, x);
    Taps taps;
    taps.outside = op.coordinate_transformation_mode == "tf_crop_and_resize" &&
                   (position < 0 || position > static_cast<double>(axis.in - 1));
    // The ratio lies in (0, 1]: a whole position is the right one of its pair.
    const double base = std::ceil(position) - 1;
    int64_t first = 0;
    taps.weight = tap_weights(op, position - base, axis.scale, first);
    double kept = 0;
    for (size_t i = 0; i < taps.weight.size(); ++i) {
      const int64_t index = static_cast<int64_t>(base) + first + static_cast<int64_t>(i);
      if (op.exclude_outside && (index < 0 || index >= axis.in)) taps.weight[i] = 0;
      kept += taps.weight[i];
      taps.index.push_back(std::clamp<int64_t>(index, 0, axis.in - 1));
    }
    if (op.exclude_outside && kept != 0) {
      for (double& w : taps.weight) w /= kept;
    }
    out.push_back(std::move(taps));
  }
  return out;
}

std::expected<std::vector<ResizedAxis>, std::string> resized_axes(const Resize& op,
                                                                  std::span<const int64_t> dims,
                                                                  std::span<const double> roi,
                                                                  std::span<const float> scales,
                                                                  std::span<const int64_t> sizes) {
  std::vector<ResizedAxis> axes;
  for (const int64_t size : dims) axes.push_back({size, size});
  std::vector<int64_t> which(dims.size());
  std::iota(which.begin(), which.end(), 0);
  if (op.axes) which = *op.axes;
  std::vector<size_t> at;
  for (const int64_t axis : which) {
    const auto normal = ir::normalize_axis(axis, dims.size());
    if (!normal) return std::unexpected("an axis is out of range");
    at.push_back(*normal);
  }
  if (!scales.empty()) {
    if (scales.size() != at.size()) return std::unexpected("the scales do not fit the axes");
    for (size_t i = 0; i < at.size(); ++i) {
      if (!(scales[i] > 0) || !std::isfinite(scales[i]))
        return std::unexpected("a scale is not positive");
      axes[at[i]].scale = static_cast<double>(scales[i]);
      axes[at[i]].out = resized_by(axes[at[i]].in, scales[i]);
    }
  } else if (!sizes.empty()) {
    if (sizes.size() != at.size()) return std::unexpected("the sizes do not fit the axes");
    std::vector<int64_t> from;
    for (const size_t axis : at) from.push_back(dims[axis]);
    const bool stretch = op.keep_aspect_ratio_policy == "stretch";
    const auto kept = keep_aspect_ratio(from, sizes, op.keep_aspect_ratio_policy);
    double common = 0;
    for (size_t i = 0; i < at.size(); ++i) {
      const double s = static_cast<double>(sizes[i]) / static_cast<double>(from[i]);
      const bool smaller = op.keep_aspect_ratio_policy == "not_larger";
      common = i == 0 ? s : smaller ? std::min(common, s) : std::max(common, s);
    }
    for (size_t i = 0; i < at.size(); ++i) {
      axes[at[i]].out = kept[i];
      axes[at[i]].scale =
          stretch ? static_cast<double>(kept[i]) / static_cast<double>(from[i]) : common;
    }
  } else {
    return std::unexpected("neither scales nor sizes are given");
  }
  if (op.coordinate_transformation_mode == "tf_crop_and_resize") {
    if (roi.size() != 2 * at.size()) return std::unexpected("roi does not fit the axes");
    for (size_t i = 0; i < at.size(); ++i) {
      axes[at[i]].roi_start = roi[i];
      axes[at[i]].roi_end = roi[at.size() + i];
    }
  }
  return axes;
}

}  // namespace tenon::ops
