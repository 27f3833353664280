#include "ops/resize/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace resize_lowering {

using lower::V;
using torch::LowerContext;

enum class Method : uint8_t { nearest, nearest_exact, linear, cubic };

struct Request {
  Method method = Method::nearest;
  bool align_corners = false;
  bool antialias = false;
  Sizes out;                  // sizes of the spatial dimensions, where they are given
  std::vector<double> scale;  // the factors, where they are given
};

// The place that PyTorch takes for an output position; single precision, as there.
int64_t torch_nearest(Method method, int64_t at, int64_t in, int64_t out, double factor) {
  const float ratio = factor > 0 ? static_cast<float>(1.0 / factor)
                                 : static_cast<float>(in) / static_cast<float>(out);
  const float place = method == Method::nearest ? static_cast<float>(at) * ratio
                                                : (static_cast<float>(at) + 0.5f) * ratio;
  return std::min(static_cast<int64_t>(std::floor(place)), in - 1);
}
// The place that Resize takes, in whichever precision an engine computes it; nullopt where that
// matters.
std::optional<int64_t> onnx_nearest(Method method, int64_t at, int64_t in, int64_t out,
                                    float factor) {
  auto place = [&](auto scale) {
    using T = decltype(scale);
    const T x = method == Method::nearest ? static_cast<T>(at) / scale
                                          : (static_cast<T>(at) + T(0.5)) / scale;
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(x)), 0, in - 1);
  };
  const int64_t narrow = place(factor), wide = place(static_cast<double>(factor));
  const int64_t exact = place(static_cast<double>(out) / static_cast<double>(in));
  const bool whole = std::abs(static_cast<double>(out) / static_cast<double>(in) -
                              static_cast<double>(factor)) < 1e-6;
  if (narrow != wide || (whole && exact != wide)) return std::nullopt;
  return narrow;
}

// The output size that PyTorch computes from a factor.
int64_t scaled_size(int64_t in, double factor) {
  return static_cast<int64_t>(std::floor(static_cast<double>(in) * factor));
}

// A factor in single precision with which ONNX, which multiplies in single precision too, comes to
// the same size.
std::optional<float> single_factor(const ir::Dim& in, double factor) {
  auto single = static_cast<float>(factor);
  const auto n = in.constant();
  if (!n) return single;
  const int64_t want = scaled_size(*n, factor);
  for (float candidate :
       {single, std::nextafter(single, HUGE_VALF), std::nextafter(single, 0.0f)}) {
    if (static_cast<int64_t>(std::floor(static_cast<float>(*n) * candidate)) == want)
      return candidate;
  }
  return std::nullopt;
}

// Nearest neighbours by tables of places, where rounding would make Resize take others.
V* by_places(LowerContext& c, V* x, const Request& r) {
  for (size_t i = 0; i < r.out.size(); ++i) {
    const Sizes sizes = lower::sizes(c, x);
    const int64_t in = *sizes[i + 2].constant(), out = *r.out[i].constant();
    if (in == out) continue;
    if (out > (int64_t{1} << 24)) return c.refuse("the output is too large");
    std::vector<int64_t> places;
    for (int64_t k = 0; k < out; ++k)
      places.push_back(torch_nearest(r.method, k, in, out, r.scale.empty() ? 0 : r.scale[i]));
    x = lower::gather(c, x, lower::int_table(c, places, {out}), static_cast<int64_t>(i + 2));
  }
  return x;
}

// The same for sizes that are not known, by the graph: place k of the output takes
// floor(k * (1 / factor)) of the input in single precision, as PyTorch computes it.
V* by_computed_places(LowerContext& c, V* x, const Request& r) {
  const Sizes sizes = lower::sizes(c, x);
  for (size_t i = 0; i < r.out.size(); ++i) {
    const ir::Dim &in = sizes[i + 2], &out = r.out[i];
    V* k = c.b.emit_named("Range", {c.b.scalar_int(0), c.b.dim(out), c.b.scalar_int(1)});
    k->type.shape = Sizes{out};
    V* at = c.b.cast(k, DType::f32);
    if (r.method == Method::nearest_exact) at = lower::add(c, at, lower::like(c, at, 0.5));
    V* ratio = lower::like(c, at, static_cast<float>(1.0 / r.scale[i]));
    V* place = c.b.cast(c.b.emit_named("Floor", {lower::mul(c, at, ratio)}), DType::i64);
    V* last = c.b.dim(in - ir::Dim(1));
    x = lower::gather(c, x, c.b.emit_named("Min", {place, last}), static_cast<int64_t>(i + 2));
  }
  return x;
}

// Whether dividing by the factor is exact enough that every engine takes PyTorch's places: whole
// numbers and powers of two.
bool is_plain(double factor) {
  int exponent = 0;
  return factor == std::floor(factor) || std::frexp(factor, &exponent) == 0.5;
}

bool needs_places(const Request& r, const Sizes& sizes, const std::vector<float>& factors) {
  if (r.method != Method::nearest && r.method != Method::nearest_exact) return false;
  for (size_t i = 0; i < r.out.size(); ++i) {
    const auto in = sizes[i + 2].constant(), out = r.out[i].constant();
    if (!in || !out || *in <= 0 || *out <= 0 || *out > (int64_t{1} << 20)) return false;
  }
  for (size_t i = 0; i < r.out.size(); ++i) {
    const int64_t in = *sizes[i + 2].constant(), out = *r.out[i].constant();
    const float factor =
        factors.empty() ? static_cast<float>(out) / static_cast<float>(in) : factors[i];
    for (int64_t k = 0; k < out; ++k) {
      if (onnx_nearest(r.method, k, in, out, factor) !=
          torch_nearest(r.method, k, in, out, r.scale.empty() ? 0 : r.scale[i]))
        return true;
    }
  }
  return false;
}

// PyTorch refuses to resize to nothing: a size that the data decides is at least one from here on.
void at_least_one(LowerContext& c, const Sizes& sizes) {
  for (const ir::Dim& size : sizes) {
    ir::Symbol* symbol = c.b.graph().root().find_symbol(size.symbol_name());
    if (symbol && symbol->range.min < 1) symbol->range.min = 1;
  }
}

V* resize(LowerContext& c, V* x, Request r) {
  at_least_one(c, r.out);
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() < 3) return c.refuse("the input has fewer than three dimensions");
  const size_t spatial = sizes.size() - 2;
  if (r.out.size() == 1) r.out.resize(spatial, r.out[0]);
  if (r.scale.size() == 1) r.scale.resize(spatial, r.scale[0]);
  if ((!r.out.empty() && r.out.size() != spatial) ||
      (!r.scale.empty() && r.scale.size() != spatial)) {
    return c.refuse(fmt::format("{} sizes and {} factors for {} spatial dimensions", r.out.size(),
                                r.scale.size(), spatial));
  }
  if (r.out.empty() && r.scale.empty()) return c.refuse("neither a size nor a factor is given");
  // A factor that leads to another size than the one given only says where samples lie; PyTorch's
  // own functions give no such pairs.
  std::vector<float> factors;
  for (size_t i = 0; i < r.scale.size(); ++i) {
    if (!(r.scale[i] > 0)) return c.refuse("a scale factor is not positive");
    const auto single = single_factor(sizes[i + 2], r.scale[i]);
    const ir::Dim reached = floorscale(sizes[i + 2], r.scale[i]);
    if (!single || (!r.out.empty() && !(r.out[i] == reached))) {
      return c.refuse(fmt::format("the factor {} and the size {} do not agree", r.scale[i],
                                  r.out.empty() ? reached.str() : r.out[i].str()),
                      "give one of them");
    }
    factors.push_back(*single);
  }
  if (r.out.empty()) {
    for (size_t i = 0; i < spatial; ++i) r.out.push_back(floorscale(sizes[i + 2], r.scale[i]));
  }
  if (!r.antialias && needs_places(r, sizes, factors)) return by_places(c, x, r);
  const bool nearest = r.method == Method::nearest || r.method == Method::nearest_exact;
  if (nearest && !r.scale.empty() && !ir::constant_dims(r.out) &&
      !std::all_of(r.scale.begin(), r.scale.end(), is_plain))
    return by_computed_places(c, x, r);
  // A factor that the sizes say exactly is not needed.
  bool exact = true;
  for (size_t i = 0; i < r.scale.size(); ++i) {
    const auto in = sizes[i + 2].constant(), out = r.out[i].constant();
    exact =
        exact && in && out && static_cast<double>(*in) * r.scale[i] == static_cast<double>(*out);
  }
  Resize op;
  op.antialias = r.antialias;
  op.mode = r.method == Method::linear ? "linear" : r.method == Method::cubic ? "cubic" : "nearest";
  op.coordinate_transformation_mode = r.align_corners               ? "align_corners"
                                      : r.method == Method::nearest ? "asymmetric"
                                                                    : "half_pixel";
  op.nearest_mode = r.method == Method::nearest_exact ? "round_prefer_ceil" : "floor";
  if (r.method == Method::linear || r.method == Method::cubic)
    op.nearest_mode = "round_prefer_floor";
  if (r.antialias && r.method == Method::cubic) op.cubic_coeff_a = -0.5f;
  if (r.antialias) op.exclude_outside = true;
  Sizes target{sizes[0], sizes[1]};
  target.insert(target.end(), r.out.begin(), r.out.end());
  if (target == sizes) return x;
  // Corners that are aligned say where samples lie by the sizes alone, and engines differ in what a
  // factor that is not exact does to them.
  const bool fixed = ir::constant_dims(r.out).has_value();
  if (!factors.empty() && !(fixed && exact) &&
      op.coordinate_transformation_mode != "align_corners") {
    std::vector<double> all{1, 1};
    all.insert(all.end(), factors.begin(), factors.end());
    V* y = c.b.emit(
        op,
        {x, nullptr, lower::float_table(c, all, {static_cast<int64_t>(all.size())}, DType::f32)});
    if (!c.b.failed()) y->type.shape = target;
    return y;
  }
  V* y = c.b.emit(op, {x, nullptr, nullptr, c.b.shape(target)});
  if (!c.b.failed()) y->type.shape = target;
  return y;
}

// upsample_*: the overload "vec" takes a size or factors, the other a size and perhaps factors.
template <Method method, bool antialias = false>
V* upsample(LowerContext& c) {
  Request r{.method = method, .antialias = antialias};
  if (c.has("align_corners")) r.align_corners = c.flag("align_corners");
  const bool vec = c.schema().overload == "vec";
  V* x = c.tensor(vec ? "input" : "self");
  if (c.has("output_size")) r.out = c.ints("output_size");
  if (vec) {
    if (r.out.empty()) r.scale = c.numbers("scale_factors");
    return resize(c, x, std::move(r));
  }
  const size_t spatial = std::max<size_t>(lower::rank(c, x), 2) - 2;
  static constexpr std::string_view kNames[] = {"scales_d", "scales_h", "scales_w"};
  for (size_t i = 3 - std::min<size_t>(spatial, 3); i < 3; ++i) {
    std::string_view name = spatial == 1 ? "scales" : kNames[i];
    if (c.has(name)) r.scale.push_back(c.number(name));
  }
  if (r.scale.size() != spatial) r.scale.clear();
  // Some callers pass factors that were recomputed from the sizes: those say nothing new.
  const Sizes sizes = lower::sizes(c, x);
  for (size_t i = 0; i < r.scale.size() && r.out.size() == spatial && sizes.size() == spatial + 2;
       ++i) {
    if (!(floorscale(sizes[i + 2], r.scale[i]) == r.out[i])) {
      const auto in = sizes[i + 2].constant(), out = r.out[i].constant();
      const bool same =
          in && out && *in > 0 &&
          std::abs(static_cast<double>(*out) / static_cast<double>(*in) - r.scale[i]) < 1e-9;
      if (same) {
        r.scale.clear();
        break;
      }
    }
  }
  return resize(c, x, std::move(r));
}

// torch.nn.functional.interpolate as older files name it.
V* interpolate(LowerContext& c) {
  const std::string mode = c.text("mode");
  Request r;
  if (mode == "nearest")
    r.method = Method::nearest;
  else if (mode == "nearest-exact")
    r.method = Method::nearest_exact;
  else if (mode == "linear" || mode == "bilinear" || mode == "trilinear")
    r.method = Method::linear;
  else if (mode == "bicubic")
    r.method = Method::cubic;
  else
    return c.refuse("interpolation mode '" + mode + "' is not supported");
  r.align_corners = c.has("align_corners") && c.flag("align_corners");
  r.antialias = c.has("antialias") && c.flag("antialias");
  auto is_list = [&](std::string_view name) { return c.machine().items(c.value(name)) != nullptr; };
  if (c.has("size"))
    r.out = is_list("size") ? c.ints("size") : Sizes{c.integer("size")};
  else if (c.has("scale_factor"))
    r.scale = is_list("scale_factor") ? c.numbers("scale_factor")
                                      : std::vector<double>{c.number("scale_factor")};
  V* x = c.tensor("input");
  if (c.has("recompute_scale_factor") && c.flag("recompute_scale_factor") && !r.scale.empty()) {
    const Sizes sizes = lower::sizes(c, x);
    const size_t spatial = std::max<size_t>(sizes.size(), 2) - 2;
    if (r.scale.size() == 1) r.scale.resize(spatial, r.scale[0]);
    for (size_t i = 0; i < std::min(spatial, r.scale.size()); ++i)
      r.out.push_back(floorscale(sizes[i + 2], r.scale[i]));
    r.scale.clear();
  }
  return resize(c, x, std::move(r));
}

}  // namespace resize_lowering

std::span<const torch::Lowering> resize_torch() {
  using namespace resize_lowering;
  using M = Method;
  static constexpr torch::Lowering kAll[] = {
      {"aten::upsample_nearest1d", upsample<M::nearest>},
      {"aten::upsample_nearest1d.vec", upsample<M::nearest>},
      {"aten::upsample_nearest2d", upsample<M::nearest>},
      {"aten::upsample_nearest2d.vec", upsample<M::nearest>},
      {"aten::upsample_nearest3d", upsample<M::nearest>},
      {"aten::upsample_nearest3d.vec", upsample<M::nearest>},
      {"aten::_upsample_nearest_exact1d", upsample<M::nearest_exact>},
      {"aten::_upsample_nearest_exact1d.vec", upsample<M::nearest_exact>},
      {"aten::_upsample_nearest_exact2d", upsample<M::nearest_exact>},
      {"aten::_upsample_nearest_exact2d.vec", upsample<M::nearest_exact>},
      {"aten::_upsample_nearest_exact3d", upsample<M::nearest_exact>},
      {"aten::_upsample_nearest_exact3d.vec", upsample<M::nearest_exact>},
      {"aten::upsample_linear1d", upsample<M::linear>},
      {"aten::upsample_linear1d.vec", upsample<M::linear>},
      {"aten::upsample_bilinear2d", upsample<M::linear>},
      {"aten::upsample_bilinear2d.vec", upsample<M::linear>},
      {"aten::upsample_trilinear3d", upsample<M::linear>},
      {"aten::upsample_trilinear3d.vec", upsample<M::linear>},
      {"aten::upsample_bicubic2d", upsample<M::cubic>},
      {"aten::upsample_bicubic2d.vec", upsample<M::cubic>},
      {"aten::_upsample_bilinear2d_aa", upsample<M::linear, true>},
      {"aten::_upsample_bilinear2d_aa.vec", upsample<M::linear, true>},
      {"aten::_upsample_bicubic2d_aa", upsample<M::cubic, true>},
      {"aten::_upsample_bicubic2d_aa.vec", upsample<M::cubic, true>},
      {"aten::__interpolate", interpolate},
      {"aten::__interpolate.scale_list", interpolate},
      {"aten::__interpolate.size_list", interpolate},
      {"aten::__interpolate.size_list_scale_list", interpolate},
  };
  return kAll;
}

}  // namespace tenon::ops
