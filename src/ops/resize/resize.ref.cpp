#include "ops/resize/resize.h"

#include "ops/common/ref.h"
#include "ops/common/resize_size.h"

namespace tenon::ops {
namespace {

// How one output position of an axis is made of input positions.
struct Taps {
  std::vector<int64_t> index;
  std::vector<double> weight;
  bool outside = false;  // takes the extrapolation value
};

struct Axis {
  int64_t in = 0, out = 0;
  double scale = 1;
  double roi_start = 0, roi_end = 1;
};

double source_position(const Resize& op, const Axis& axis, int64_t x) {
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

std::vector<Taps> make_taps(const Resize& op, const Axis& axis) {
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

// Resizes one axis of `values`, whose shape is `dims`.
std::vector<double> resize_axis(const std::vector<double>& values, const Dims& dims, size_t d,
                                const std::vector<Taps>& taps) {
  const int64_t outer = extent(dims, 0, d), inner = extent(dims, d + 1, dims.size());
  const auto n = static_cast<int64_t>(taps.size());
  std::vector<double> out(static_cast<size_t>(outer * n * inner));
  for (int64_t row = 0; row < outer; ++row) {
    for (int64_t x = 0; x < n; ++x) {
      const Taps& t = taps[static_cast<size_t>(x)];
      double* to = out.data() + (row * n + x) * inner;
      for (size_t k = 0; k < t.index.size(); ++k) {
        if (t.weight[k] == 0) continue;
        const double* from = values.data() + (row * dims[d] + t.index[k]) * inner;
        for (int64_t i = 0; i < inner; ++i) to[i] += t.weight[k] * from[i];
      }
    }
  }
  return out;
}

Result<std::vector<Axis>> resize_axes(RefContext& c, const Resize& op) {
  const Dims& dims = c.input(0).shape();
  std::vector<Axis> axes;
  for (int64_t size : dims) axes.push_back({size, size});
  std::vector<int64_t> which(dims.size());
  std::iota(which.begin(), which.end(), 0);
  if (op.axes) which = *op.axes;
  std::vector<size_t> at;
  for (int64_t axis : which) at.push_back(TRY(axis_at(c, axis, dims.size())));
  if (c.has(2) && c.input(2).count() > 0) {
    const auto scales = elements<float>(c.input(2));
    if (scales.size() != at.size()) return c.fail("the scales do not fit the axes");
    for (size_t i = 0; i < at.size(); ++i) {
      if (!(scales[i] > 0) || !std::isfinite(scales[i])) return c.fail("a scale is not positive");
      axes[at[i]].scale = scales[i];
      axes[at[i]].out = resized_by(axes[at[i]].in, scales[i]);
    }
  } else if (c.has(3) && c.input(3).count() > 0) {
    const auto sizes = TRY(integer_input(c, 3));
    if (sizes.size() != at.size()) return c.fail("the sizes do not fit the axes");
    std::vector<int64_t> from;
    for (size_t axis : at) from.push_back(dims[axis]);
    const auto kept = keep_aspect_ratio(from, sizes, op.keep_aspect_ratio_policy);
    double common = 0;
    for (size_t i = 0; i < at.size(); ++i) {
      const double s = static_cast<double>(sizes[i]) / static_cast<double>(from[i]);
      if (i == 0)
        common = s;
      else
        common =
            op.keep_aspect_ratio_policy == "not_larger" ? std::min(common, s) : std::max(common, s);
    }
    for (size_t i = 0; i < at.size(); ++i) {
      axes[at[i]].out = kept[i];
      axes[at[i]].scale = op.keep_aspect_ratio_policy == "stretch"
                              ? static_cast<double>(kept[i]) / static_cast<double>(from[i])
                              : common;
    }
  } else {
    return c.fail("neither scales nor sizes are given");
  }
  if (op.coordinate_transformation_mode == "tf_crop_and_resize") {
    const auto roi = c.has(1) ? elements<double>(c.input(1)) : std::vector<double>();
    if (roi.size() != 2 * at.size()) return c.fail("roi does not fit the axes");
    for (size_t i = 0; i < at.size(); ++i) {
      axes[at[i]].roi_start = roi[i];
      axes[at[i]].roi_end = roi[at.size() + i];
    }
  }
  return axes;
}

Status run_resize(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Resize>();
  const Tensor& x = c.input(0);
  const std::vector<Axis> axes = TRY(resize_axes(c, op));
  Dims dims = x.shape(), out;
  for (const Axis& axis : axes) {
    if (axis.out < 0 || (axis.in == 0 && axis.out > 0)) return c.fail("a size is out of range");
    out.push_back(axis.out);
  }
  TRY(check_size(c, x.dtype(), out));
  std::vector<double> values = elements<double>(x);
  std::vector<std::vector<bool>> outside(dims.size());
  bool any_outside = false;
  for (size_t d = 0; d < dims.size(); ++d) {
    const bool crops = op.coordinate_transformation_mode == "tf_crop_and_resize" &&
                       (axes[d].roi_start != 0 || axes[d].roi_end != 1);
    outside[d].assign(static_cast<size_t>(axes[d].out), false);
    if (axes[d].in == axes[d].out && axes[d].scale == 1 && !crops) continue;
    const std::vector<Taps> taps = make_taps(op, axes[d]);
    for (size_t i = 0; i < taps.size(); ++i) {
      outside[d][i] = taps[i].outside;
      any_outside = any_outside || taps[i].outside;
    }
    values = resize_axis(values, dims, d, taps);
    dims[d] = axes[d].out;
  }
  if (any_outside) {
    for (size_t i = 0; i < values.size(); ++i) {
      int64_t rest = static_cast<int64_t>(i);
      for (size_t d = dims.size(); d-- > 0;) {
        if (outside[d][static_cast<size_t>(rest % dims[d])]) values[i] = op.extrapolation_value;
        rest /= dims[d];
      }
    }
  }
  if (is_integral(x.dtype()) && op.mode != "nearest") {
    for (double& v : values) v = std::nearbyint(v);
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, values);
  return {};
}

}  // namespace

std::span<const RefKernel> resize_ref() {
  static constexpr RefKernel kernels[] = {kernel<Resize>(run_resize)};
  return kernels;
}

}  // namespace tenon::ops
