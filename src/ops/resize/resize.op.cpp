#include "ops/resize/resize.h"

#include <charconv>
#include <cmath>

#include "ops/common/infer.h"
#include "ops/common/resize_size.h"

namespace tenon::ops {
namespace {

// A factor as its shortest decimal, so that 0.7f means 0.7 and a size of 10 becomes 7.
double decimal_factor(float factor) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), factor).ptr;
  double out = factor;
  std::from_chars(text, end, out);
  return out;
}

Dim scaled(const Dim& size, float factor) {
  if (auto n = size.constant()) return resized_by(*n, factor);
  return floorscale(size, decimal_factor(factor));
}

Status check_resize(InferContext& context, const Resize& op) {
  auto known = [&](const std::string& value, std::initializer_list<std::string_view> values,
                   std::string_view attribute) -> Status {
    for (std::string_view v : values) {
      if (v == value) return {};
    }
    return context.fail(fmt::format("{} '{}' is not known", attribute, value));
  };
  TRY(known(op.mode, {"nearest", "linear", "cubic"}, "mode"));
  TRY(known(op.coordinate_transformation_mode,
            {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
             "asymmetric", "tf_crop_and_resize"},
            "coordinate_transformation_mode"));
  TRY(known(op.nearest_mode, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"},
            "nearest_mode"));
  TRY(known(op.keep_aspect_ratio_policy, {"stretch", "not_larger", "not_smaller"},
            "keep_aspect_ratio_policy"));
  if (context.has(2) && context.has(3)) {
    const Sizes* scales = context.shape(2);
    const Sizes* sizes = context.shape(3);
    auto empty = [](const Sizes* s) { return s && s->size() == 1 && (*s)[0].is(0); };
    if (!empty(scales) && !empty(sizes)) return context.fail("both scales and sizes are given");
  }
  return {};
}

Status infer_resize(InferContext& context) {
  const auto op = context.as<Resize>();
  TRY(need_numeric(context, 0));
  TRY(check_resize(context, op));
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  std::vector<size_t> axes;
  for (size_t i = 0; i < x->size(); ++i) axes.push_back(i);
  if (op.axes) {
    TRY(axes_of(context, *op.axes, x->size()));
    axes.clear();
    for (int64_t axis : *op.axes) axes.push_back(TRY(axis_of(context, axis, x->size())));
  }
  Sizes out = *x;
  const Tensor* scales = context.constant(2);
  const Contents sizes = context.has(3) ? flat_contents(context, 3) : std::nullopt;
  auto wrong_count = [&](size_t n) {
    return context.fail(fmt::format("{} scales or sizes for {} axes", n, axes.size()));
  };
  if (scales && scales->dtype() == DType::f32 && scales->count() > 0) {
    const auto factors = scales->values<float>();
    if (factors.size() != axes.size()) return wrong_count(factors.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      if (!(factors[i] > 0) || !std::isfinite(factors[i]))
        return context.fail("a scale is not positive");
      out[axes[i]] = scaled((*x)[axes[i]], factors[i]);
    }
  } else if (sizes && !sizes->empty()) {
    if (sizes->size() != axes.size()) return wrong_count(sizes->size());
    const auto wanted = constant_dims(*sizes), have = constant_dims(*x);
    if (op.keep_aspect_ratio_policy == "stretch") {
      for (size_t i = 0; i < axes.size(); ++i) out[axes[i]] = (*sizes)[i];
    } else if (wanted && have) {
      std::vector<int64_t> from;
      for (size_t axis : axes) from.push_back((*have)[axis]);
      const auto kept = keep_aspect_ratio(from, *wanted, op.keep_aspect_ratio_policy);
      for (size_t i = 0; i < axes.size(); ++i) out[axes[i]] = kept[i];
    } else {
      for (size_t axis : axes) out[axis] = context.data_dim(0, axis);
    }
  } else {
    for (size_t axis : axes) out[axis] = context.data_dim(0, axis);
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> resize_op() {
  static constexpr ir::OpSpec specs[] = {spec<Resize>(1, 4, infer_resize)};
  return specs;
}

}  // namespace tenon::ops
