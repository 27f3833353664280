#include "ops/grid_sample/grid_sample.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// A coordinate of [-1, 1] as a position along an axis.
double denormalise(double at, int64_t size, bool align_corners) {
  const auto n = static_cast<double>(size);
  return align_corners ? (at + 1) / 2 * (n - 1) : ((at + 1) * n - 1) / 2;
}

double reflect(double at, double low, double high) {
  const double range = high - low;
  if (!(range > 0)) return low;
  if (!std::isfinite(at)) return at;
  const double distance = at < low ? low - at : at - low;
  const double turns = std::floor(distance / range), rest = distance - turns * range;
  return std::fmod(turns, 2) == 0 ? low + rest : high - rest;
}

struct Sampler {
  const GridSample& op;
  std::vector<int64_t> size;  // spatial
  Dims strides;

  // A position brought inside where the padding says so.
  double bounded(double at, size_t axis) const {
    const auto n = static_cast<double>(size[axis]);
    const double low = op.align_corners ? 0 : -0.5, high = op.align_corners ? n - 1 : n - 0.5;
    if (op.padding_mode == "border") return std::clamp(at, 0.0, n - 1);
    if (op.padding_mode == "reflection") return at < low || at > high ? reflect(at, low, high) : at;
    return at;
  }
  // The element that a tap reads, or -1 for zero.
  int64_t tap(double at, size_t axis) const {
    if (std::isnan(at)) at = -1;
    at = bounded(at, axis);
    if (op.padding_mode != "zeros") at = std::clamp(at, 0.0, static_cast<double>(size[axis] - 1));
    if (!(at >= 0 && at <= static_cast<double>(size[axis] - 1))) return -1;
    return static_cast<int64_t>(at);
  }
};

struct Taps {
  std::vector<int64_t> at;
  std::vector<double> weight;
};

Taps taps_of(const Sampler& s, double position, size_t axis) {
  Taps out;
  auto add = [&](double at, double weight) {
    out.at.push_back(s.tap(at, axis));
    out.weight.push_back(weight);
  };
  if (s.op.mode == "nearest") {
    add(std::nearbyint(s.bounded(position, axis)), 1);
    return out;
  }
  position = s.bounded(position, axis);
  const double base = std::floor(position), t = position - base;
  if (s.op.mode == "linear") {
    add(base, 1 - t);
    add(base + 1, t);
    return out;
  }
  constexpr double a = -0.75;
  auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  add(base - 1, far(t + 1));
  add(base, near(t));
  add(base + 1, near(1 - t));
  add(base + 2, far(2 - t));
  return out;
}

// The weighted sum over all combinations of taps, axis by axis.
double sample(const double* plane, const Sampler& s, std::span<const Taps> taps, size_t axis,
              int64_t offset) {
  if (axis == taps.size()) return plane[offset];
  double sum = 0;
  for (size_t k = 0; k < taps[axis].at.size(); ++k) {
    if (taps[axis].at[k] < 0) continue;
    sum += taps[axis].weight[k] *
           sample(plane, s, taps, axis + 1, offset + taps[axis].at[k] * s.strides[axis]);
  }
  return sum;
}

Status run_grid_sample(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<GridSample>();
  const Tensor &x = c.input(0), &grid = c.input(1);
  const size_t rank = x.shape().size() - 2;
  if (x.shape().size() < 3 || grid.shape().size() != x.shape().size() ||
      grid.shape().back() != static_cast<int64_t>(rank) || grid.shape()[0] != x.shape()[0])
    return c.fail("the grid does not fit the input");
  Sampler s{op, {x.shape().begin() + 2, x.shape().end()}, {}};
  s.strides = strides_of(s.size);
  const int64_t points = extent(grid.shape(), 1, grid.shape().size() - 1), channels = x.shape()[1],
                plane = element_count(s.size);
  Dims dims{x.shape()[0], channels};
  dims.insert(dims.end(), grid.shape().begin() + 1, grid.shape().end() - 1);
  TRY(check_size(c, x.dtype(), dims));
  const auto values = elements<double>(x), where = elements<double>(grid);
  std::vector<double> out(static_cast<size_t>(element_count(dims)));
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    for (int64_t p = 0; p < points; ++p) {
      std::vector<Taps> taps;
      for (size_t axis = 0; axis < rank; ++axis) {
        // The grid names the last axis first.
        const double at = where[static_cast<size_t>((n * points + p) * static_cast<int64_t>(rank)) +
                                rank - 1 - axis];
        taps.push_back(taps_of(s, denormalise(at, s.size[axis], op.align_corners), axis));
      }
      for (int64_t ch = 0; ch < channels && plane > 0; ++ch) {
        out[static_cast<size_t>((n * channels + ch) * points + p)] =
            sample(values.data() + (n * channels + ch) * plane, s, taps, 0, 0);
      }
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> grid_sample_ref() {
  static constexpr RefKernel kernels[] = {kernel<GridSample>(run_grid_sample)};
  return kernels;
}

}  // namespace tenon::ops
