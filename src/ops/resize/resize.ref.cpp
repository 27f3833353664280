#include "ops/resize/resize.h"

#include "ops/common/ref.h"
#include "ops/common/resize_taps.h"

namespace tenon::ops {
namespace {

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

Result<std::vector<ResizedAxis>> axes_of(RefContext& c, const Resize& op) {
  const bool scaled = c.has(2) && c.input(2).count() > 0;
  const bool sized = !scaled && c.has(3) && c.input(3).count() > 0;
  const auto roi = c.has(1) ? elements<double>(c.input(1)) : std::vector<double>();
  const auto scales = scaled ? elements<float>(c.input(2)) : std::vector<float>();
  const auto sizes = sized ? TRY(integer_input(c, 3)) : std::vector<int64_t>();
  auto axes = resized_axes(op, c.input(0).shape(), roi, scales, sizes);
  if (!axes) return c.fail(axes.error());
  return std::move(*axes);
}

Status run_resize(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Resize>();
  const Tensor& x = c.input(0);
  const std::vector<ResizedAxis> axes = TRY(axes_of(c, op));
  Dims dims = x.shape(), out;
  for (const ResizedAxis& axis : axes) {
    if (axis.out < 0 || (axis.in == 0 && axis.out > 0)) return c.fail("a size is out of range");
    out.push_back(axis.out);
  }
  TRY(check_size(c, x.dtype(), out));
  std::vector<double> values = elements<double>(x);
  std::vector<std::vector<bool>> outside(dims.size());
  bool any_outside = false;
  for (size_t d = 0; d < dims.size(); ++d) {
    outside[d].assign(static_cast<size_t>(axes[d].out), false);
    if (!axes[d].changes()) continue;
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
