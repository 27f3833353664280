// Fake quantisation, as training for quantisation leaves it in a model, and quantized_decomposed,
// the operators on plain integers that PyTorch's exporter writes.
#include "ops/quantize/quantize.h"

#include <cmath>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace quantize_lowering {

using lower::V;
using torch::LowerContext;

// Scale, zero point and the axis of a quantisation: one number of each where axis is -1.
struct Scale {
  V *scale = nullptr, *point = nullptr;  // f32; integers or floats, null: 0
  int64_t axis = -1;
};
// The integers in use.
struct Limits {
  double low = 0, high = 0;
};

// An argument as a number without dimensions: a number, or a tensor of one element.
V* number(LowerContext& c, std::string_view name, DType dtype) {
  if (c.is_number(name)) return c.scalar(name, dtype);
  V* x = c.tensor(name);
  if (x->rank() != size_t{0}) x = lower::reshape(c, x, {});
  return c.b.cast(x, dtype);
}

Scale of_tensor(LowerContext& c) {
  return {number(c, "scale", DType::f32), number(c, "zero_point", DType::i64), -1};
}
Scale of_channels(LowerContext& c, V* x, const char* scale = "scale",
                  const char* point = "zero_point") {
  Scale out;
  out.scale = c.b.cast(c.tensor(scale), DType::f32);
  out.point = c.tensor(point);
  out.axis = lower::axis(c, "axis", x).value_or(0);
  return out;
}

double limit(LowerContext& c, std::string_view name) {
  if (!c.value(name).is<torch::TensorRef>()) return static_cast<double>(c.constant(name));
  const auto known = c.machine().computed(*c.b.cast(c.tensor(name), DType::f64));
  if (known && known->count() == 1) return known->values<double>()[0];
  c.refuse("the range of the integers must be known, and it depends on the input");
  return 0;
}
Limits limits(LowerContext& c) { return {limit(c, "quant_min"), limit(c, "quant_max")}; }

// The type of integers of ONNX's that these fit into; undefined where it is none of at most 16
// bits.
DType type_of(const Limits& limits) {
  for (const DType type : {DType::u8, DType::i8, DType::u16, DType::i16}) {
    const IntegerLimits all = limits_of(type);
    if (all.low <= limits.low && limits.high <= all.high) return type;
  }
  return DType::undefined;
}

// A scale or zero point in a shape that broadcasts to x's.
V* along(LowerContext& c, const Scale& s, V* value, V* x) {
  if (s.axis < 0) return value;
  Dims shape(lower::rank(c, x), 1);
  shape[static_cast<size_t>(s.axis)] = -1;
  return c.b.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {value, c.b.ints(shape)});
}

V* clamped(LowerContext& c, V* x, V* low, V* high) {
  if (low->rank() == size_t{0}) return c.b.emit_named("Clip", {x, low, high});
  return c.b.emit_named("Min", {c.b.emit_named("Max", {x, low}), high});
}
V* clamped(LowerContext& c, V* x, const Limits& limits) {
  return clamped(c, x, lower::like(c, x, limits.low), lower::like(c, x, limits.high));
}

// round(x / scale) + zero point within the limits, as floats.
V* steps(LowerContext& c, V* x, const Scale& s, const Limits& limits) {
  V* out = c.b.emit_named("Round", {lower::div(c, x, along(c, s, s.scale, x))});
  if (s.point) out = lower::add(c, out, along(c, s, c.b.cast(s.point, DType::f32), x));
  return clamped(c, out, limits);
}

// x, f32, as integers of a type that holds the limits. Narrower limits are kept by x, so that
// QuantizeLinear and DequantizeLinear stay neighbours.
V* quantise(LowerContext& c, V* x, const Scale& s, const Limits& limits, DType type) {
  const IntegerLimits all = limits_of(type);
  if (all.low != limits.low || all.high != limits.high) {
    auto edge = [&](double integer) {
      V* n = c.b.scalar(integer, DType::f32);
      if (s.point) n = lower::sub(c, n, along(c, s, c.b.cast(s.point, DType::f32), x));
      return lower::mul(c, n, along(c, s, s.scale, x));
    };
    x = clamped(c, x, edge(limits.low), edge(limits.high));
  }
  QuantizeLinear op;
  if (s.axis >= 0) op.axis = s.axis;
  V* point = s.point ? c.b.cast(s.point, type) : nullptr;
  if (point == nullptr) {
    op.output_dtype = static_cast<int64_t>(type);
    return c.b.emit(op, {x, s.scale});
  }
  return c.b.emit(op, {x, s.scale, point});
}

V* dequantise(LowerContext& c, V* integers, const Scale& s) {
  DequantizeLinear op;
  if (s.axis >= 0) op.axis = s.axis;
  const DType type = integers->dtype();
  const bool plain = is_integral(type) && bits(type) >= 8 && bits(type) <= 16 &&
                     !(s.point && is_floating(s.point->dtype()));
  if (plain && !s.point) return c.b.emit(op, {integers, s.scale});
  if (plain) return c.b.emit(op, {integers, s.scale, c.b.cast(s.point, type)});
  // The difference of wide integers, before it is rounded to f32.
  const DType wide = is_floating(type) ? DType::f32 : DType::f64;
  V* x = c.b.cast(integers, wide);
  if (s.point) x = lower::sub(c, x, along(c, s, c.b.cast(s.point, wide), integers));
  return lower::mul(c, c.b.cast(x, DType::f32), along(c, s, s.scale, integers));
}

// x rounded to what the integers stand for.
V* fake(LowerContext& c, V* x, const Scale& s, const Limits& range) {
  const DType dtype = x->dtype(), type = type_of(range);
  V* real = c.b.cast(x, DType::f32);
  if (s.point && is_floating(s.point->dtype()))
    return c.refuse("its zero points are floats", "use integers as zero points");
  if (type != DType::undefined)
    return c.b.cast(dequantise(c, quantise(c, real, s, range, type), s), dtype);
  V* out = steps(c, real, s, range);
  if (s.point) out = lower::sub(c, out, along(c, s, c.b.cast(s.point, DType::f32), x));
  return c.b.cast(lower::mul(c, out, along(c, s, s.scale, x)), dtype);
}

V* fake_per_tensor(LowerContext& c) { return fake(c, c.tensor("self"), of_tensor(c), limits(c)); }
V* fake_per_channel(LowerContext& c) {
  V* x = c.tensor("self");
  return fake(c, x, of_channels(c, x), limits(c));
}

// A number that must be known; nullopt, and a refusal, where the input decides it.
std::optional<bool> known_flag(LowerContext& c, std::string_view name) {
  const auto known = c.machine().computed(*c.b.cast(c.tensor(name), DType::f64));
  if (known && known->count() >= 1) return known->values<double>()[0] != 0;
  c.refuse(fmt::format("{} depends on the input", name));
  return std::nullopt;
}

// (self, scale, zero_point, fake_quant_enabled, ...) -> output, mask; the mask serves training.
V* fake_where_enabled(LowerContext& c) {
  const auto on = known_flag(c, "fake_quant_enabled");
  if (!on) return nullptr;
  V* x = c.tensor("self");
  return c.give({*on ? fake(c, x, of_tensor(c), limits(c)) : x, nullptr});
}
V* fake_with_mask(LowerContext& c) { return c.give({fake_per_tensor(c), nullptr}); }
V* fake_channels_with_mask(LowerContext& c) { return c.give({fake_per_channel(c), nullptr}); }

// The zero point of learnable scales is a float that is rounded into the range first.
V* rounded_point(LowerContext& c, const Limits& range) {
  V* point = c.b.cast(c.tensor("zero_point"), DType::f32);
  return c.b.cast(clamped(c, c.b.emit_named("Round", {point}), range), DType::i64);
}
V* learnable_per_tensor(LowerContext& c) {
  const Limits range = limits(c);
  V* point = rounded_point(c, range);
  if (point->rank() != size_t{0}) point = lower::reshape(c, point, {});
  return fake(c, c.tensor("self"), {number(c, "scale", DType::f32), point, -1}, range);
}
V* learnable_per_channel(LowerContext& c) {
  V* x = c.tensor("self");
  const Limits range = limits(c);
  Scale s = of_channels(c, x);
  s.point = rounded_point(c, range);
  return fake(c, x, s, range);
}

struct Chosen {
  double scale = 1, point = 0;
};
// The scale and zero point that PyTorch chooses for a range of numbers (quant_utils.h).
Chosen choose_for(double low, double high, const Limits& limits, bool symmetric) {
  constexpr double kSmallest = 6.1e-5f;
  const bool centred = symmetric && low < 0 && high > 0;
  const double span = limits.high - limits.low;
  if (centred) {
    const double half = std::floor(span / 2);
    const double most = std::max(std::abs(low / -(half + 1)), std::abs(high / half));
    low = most * -(half + 1);
    high = most * half;
  }
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  double scale = (high - low) / span;
  const auto single = static_cast<float>(scale);
  if (single == 0 || std::isinf(1 / single)) scale = 0.1;
  const double exact = scale;
  scale = std::max(scale, kSmallest);
  const double from_low = limits.low - low / exact, from_high = limits.high - high / exact;
  const bool lower =
      std::abs(limits.low) + std::abs(low / exact) < std::abs(limits.high) + std::abs(high / exact);
  const double point = centred ? std::trunc((limits.low + limits.high) / 2)
                       : lower ? from_low
                               : from_high;
  return {scale, std::nearbyint(std::clamp(point, limits.low, limits.high))};
}

std::optional<std::vector<double>> known_numbers(LowerContext& c, std::string_view name) {
  const auto known = c.machine().computed(*c.b.cast(c.tensor(name), DType::f64));
  if (!known) {
    c.refuse(fmt::format("{} depends on the input", name));
    return std::nullopt;
  }
  const auto values = known->values<double>();
  if (std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
    return std::vector<double>(values.begin(), values.end());
  c.refuse(fmt::format("{} is not finite: the observer has seen nothing", name),
           "run the model on some data with its observers on before saving it");
  return std::nullopt;
}

// The scale of a range that was observed in training, which PyTorch chooses anew with each call. An
// observer that is on changes the range, too, in evaluation as well.
V* observed(LowerContext& c) {
  const auto observing = known_flag(c, "observer_on"), on = known_flag(c, "fake_quant_on");
  if (!observing || !on) return nullptr;
  if (*observing)
    return c.refuse("its observer is on: every call changes the scale, in evaluation too",
                    "before saving: model.apply(torch.ao.quantization.disable_observer)");
  V* x = c.tensor("self");
  if (!*on) return x;
  const auto low = known_numbers(c, "running_min"), high = known_numbers(c, "running_max");
  if (!low || !high) return nullptr;
  const Limits range = limits(c);
  std::vector<double> scales, points;
  for (size_t i = 0; i < std::min(low->size(), high->size()); ++i) {
    const Chosen chosen = choose_for((*low)[i], (*high)[i], range, c.flag("symmetric_quant"));
    scales.push_back(chosen.scale);
    points.push_back(chosen.point);
  }
  const bool channels = c.flag("per_row_fake_quant");
  if (scales.empty() || (!channels && scales.size() != 1))
    return c.refuse("its ranges do not fit its scale");
  const auto count = static_cast<int64_t>(scales.size());
  const Dims shape = channels ? Dims{count} : Dims{};
  Scale s{lower::float_table(c, scales, shape, DType::f32),
          c.b.cast(lower::float_table(c, points, shape, DType::f64), DType::i64), -1};
  if (channels) s.axis = lower::axis(c, "ch_axis", x).value_or(0);
  return fake(c, x, s, range);
}
V* observed_with_mask(LowerContext& c) { return c.give({observed(c), nullptr}); }
// The form that writes nothing gives what the other would have written.
V* observed_functional(LowerContext& c) {
  return c.give({observed(c), nullptr, c.tensor("running_min"), c.tensor("running_max"),
                 c.tensor("scale"), c.tensor("zero_point")});
}

// --- quantized_decomposed

V* to_integers(LowerContext& c, const Scale& s) {
  const Limits range = limits(c);
  const DType type = c.dtype("dtype").value_or(DType::undefined);
  V* x = c.b.cast(c.tensor("input"), DType::f32);
  const bool plain = is_integral(type) && bits(type) >= 8 && bits(type) <= 16 &&
                     !(s.point && is_floating(s.point->dtype()));
  if (plain) return quantise(c, x, s, range, type);
  return c.b.cast(steps(c, x, s, range), type);
}
V* to_reals(LowerContext& c, const Scale& s, const char* type = "out_dtype") {
  return c.b.cast(dequantise(c, c.tensor("input"), s), c.dtype(type).value_or(DType::f32));
}

V* quantize_per_tensor(LowerContext& c) { return to_integers(c, of_tensor(c)); }
V* dequantize_per_tensor(LowerContext& c) { return to_reals(c, of_tensor(c)); }
V* quantize_per_channel(LowerContext& c) {
  return to_integers(c, of_channels(c, c.tensor("input"), "scales", "zero_points"));
}
V* dequantize_per_channel(LowerContext& c) {
  return to_reals(c, of_channels(c, c.tensor("input"), "scales", "zero_points"));
}
V* fake_quant_per_channel(LowerContext& c) {
  V* x = c.tensor("input");
  return fake(c, x, of_channels(c, x, "scales", "zero_points"), limits(c));
}
V* convert_element_type(LowerContext& c) {
  return c.b.cast(c.tensor("input"), c.dtype("dtype").value_or(DType::f32));
}

// The least and the largest element, and 0, over all axes or the last.
struct Extent {
  V *low, *high;
};
Extent extent(LowerContext& c, V* x, bool last) {
  std::vector<int64_t> axes = lower::all_axes(lower::rank(c, x));
  if (last && !axes.empty()) axes = {axes.back()};
  V* zero = lower::like(c, x, 0);
  return {c.b.emit_named("Min", {lower::reduce(c, "ReduceMin", x, axes, last), zero}),
          c.b.emit_named("Max", {lower::reduce(c, "ReduceMax", x, axes, last), zero})};
}

// Scale and zero point as one-element tensors, of f64 and i64.
V* give_chosen(LowerContext& c, V* scale, V* point) {
  auto vector = [&](V* value, DType dtype) {
    return lower::reshape(c, c.b.cast(value, dtype), {1});
  };
  return c.give({vector(scale, DType::f64), vector(point, DType::i64)});
}
V* at_least(LowerContext& c, V* scale, double least) {
  return c.b.emit_named("Max", {scale, lower::like(c, scale, least)});
}

V* choose(LowerContext& c) {
  const Limits range = limits(c);
  const auto [low, high] = extent(c, c.b.cast(c.tensor("input"), DType::f32), false);
  V* scale = lower::div(c, lower::sub(c, high, low), lower::like(c, low, range.high - range.low));
  scale = at_least(c, scale, c.number("eps"));
  V* point = c.b.emit_named("Round", {lower::div(c, low, scale)});
  point = clamped(c, lower::sub(c, lower::like(c, low, range.low), point), range);
  return give_chosen(c, scale, point);
}
V* choose_symmetric(LowerContext& c) {
  const Limits range = limits(c);
  const auto [low, high] = extent(c, c.b.cast(c.tensor("input"), DType::f32), false);
  V* most = c.b.emit_named("Max", {c.b.emit_named("Neg", {low}), high});
  V* scale = lower::div(c, most, lower::like(c, most, (range.high - range.low) / 2));
  const bool bytes = c.dtype("dtype") == DType::u8;
  return give_chosen(c, at_least(c, scale, c.number("eps")),
                     c.b.scalar(bytes ? 128 : 0, DType::f32));
}

// A token is a row along the last axis.
V* choose_per_token(LowerContext& c) {
  V* x = c.tensor("input");
  if (c.dtype("dtype") != DType::i8) return c.refuse("it is defined for 8-bit integers alone");
  if (x->dtype() == DType::f16) x = c.b.cast(x, DType::f32);
  const auto last = static_cast<int64_t>(lower::rank(c, x)) - 1;
  V* most = lower::reduce(c, "ReduceMax", c.b.emit_named("Abs", {x}), {last}, true);
  V* scale = lower::div(c, at_least(c, most, 1e-5), lower::like(c, most, 127));
  return c.give({scale, lower::mul(c, scale, lower::like(c, scale, 0))});
}
V* choose_per_token_asymmetric(LowerContext& c) {
  constexpr double kLow = -128, kHigh = 127, kSmallest = 1.1920928955078125e-07;
  V* x = c.tensor("input");
  const auto [low, high] = extent(c, x, true);
  V* scale = lower::div(c, lower::sub(c, high, low), lower::like(c, low, kHigh - kLow));
  scale = at_least(c, scale, kSmallest);
  V *from_low = lower::div(c, low, scale), *from_high = lower::div(c, high, scale);
  auto plus = [&](V* value, double n) { return lower::add(c, value, lower::like(c, value, n)); };
  V* error = lower::add(c, plus(from_low, kLow), plus(from_high, kHigh));
  V* above = c.b.emit_named("Greater", {error, lower::like(c, error, 0)});
  V* point = lower::where(c, above, lower::sub(c, lower::like(c, x, kLow), from_low),
                          lower::sub(c, lower::like(c, x, kHigh), from_high));
  point = c.b.emit_named("Round", {clamped(c, point, Limits{kLow, kHigh})});
  return c.give({c.b.cast(scale, DType::f64), c.b.cast(point, DType::i64)});
}

// Scales that broadcast to the input as they are. PyTorch adds the zero point before it rounds.
V* quantize_per_token(LowerContext& c) {
  V* x = c.tensor("input");
  V *scale = c.tensor("scales"), *point = c.tensor("zero_points");
  // As PyTorch promotes them.
  const DType wide = torch::promote(x->dtype(), scale->dtype());
  V* inverse = lower::div(c, lower::like(c, scale, 1), scale);
  x = lower::mul(c, c.b.cast(x, wide), c.b.cast(inverse, wide));
  x = c.b.emit_named("Round", {lower::add(c, x, c.b.cast(point, wide))});
  return c.b.cast(clamped(c, x, limits(c)), c.dtype("dtype").value_or(DType::i8));
}
V* dequantize_per_token(LowerContext& c) {
  V* x = c.tensor("input");
  V *scale = c.tensor("scales"), *point = c.tensor("zero_points");
  const DType wide = scale->dtype();
  x = lower::sub(c, c.b.cast(x, wide), c.b.cast(point, wide));
  return c.b.cast(lower::mul(c, x, scale), c.dtype("output_dtype").value_or(DType::f32));
}

// Groups of elements along the rows of a matrix.
V* grouped(LowerContext& c, V* x, V* value, int64_t size) {
  const Sizes sizes = lower::sizes(c, x);
  value = lower::reshape(c, value, {sizes[0], ir::floordiv(sizes[1], ir::Dim(size)), 1});
  value = lower::expand(c, value, {sizes[0], ir::floordiv(sizes[1], ir::Dim(size)), size});
  return lower::reshape(c, value, sizes);
}
std::optional<int64_t> group_size(LowerContext& c, V* x) {
  if (lower::rank(c, x) != 2) {
    c.refuse("its input is no matrix");
    return std::nullopt;
  }
  const int64_t size = c.constant("group_size");
  const auto columns = lower::sizes(c, x)[1].constant();
  if (size < 1 || !columns || (*columns >= size && *columns % size != 0)) {
    c.refuse("its groups must fill the rows of the input");
    return std::nullopt;
  }
  return std::min(size, *columns);
}
V* quantize_groups(LowerContext& c) {
  V* x = c.b.cast(c.tensor("input"), DType::f32);
  const auto size = group_size(c, x);
  if (!size) return nullptr;
  V* scale = grouped(c, x, c.b.cast(c.tensor("scales"), DType::f32), *size);
  V* point = grouped(c, x, c.b.cast(c.tensor("zero_points"), DType::f32), *size);
  V* out = c.b.emit_named("Round", {lower::add(c, lower::div(c, x, scale), point)});
  return c.b.cast(clamped(c, out, limits(c)), c.dtype("dtype").value_or(DType::i8));
}
V* dequantize_groups(LowerContext& c) {
  V* x = c.tensor("input");
  const auto size = group_size(c, x);
  if (!size) return nullptr;
  V* out = c.b.cast(x, DType::f32);
  if (c.has("zero_points"))
    out = lower::sub(c, out, grouped(c, x, c.b.cast(c.tensor("zero_points"), DType::f32), *size));
  out = lower::mul(c, out, grouped(c, x, c.b.cast(c.tensor("scales"), DType::f32), *size));
  return c.b.cast(out, c.dtype("output_dtype").value_or(DType::f32));
}

}  // namespace quantize_lowering

std::span<const torch::Lowering> quantize_torch() {
  using namespace quantize_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::fake_quantize_per_tensor_affine", fake_per_tensor},
      {"aten::fake_quantize_per_tensor_affine.tensor_qparams", fake_per_tensor},
      {"aten::fake_quantize_per_tensor_affine_cachemask", fake_with_mask},
      {"aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams", fake_where_enabled},
      {"aten::fake_quantize_per_channel_affine", fake_per_channel},
      {"aten::fake_quantize_per_channel_affine_cachemask", fake_channels_with_mask},
      {"aten::_fake_quantize_learnable_per_tensor_affine", learnable_per_tensor},
      {"aten::_fake_quantize_learnable_per_channel_affine", learnable_per_channel},
      {"aten::fused_moving_avg_obs_fake_quant", observed},
      {"aten::_fused_moving_avg_obs_fq_helper", observed_with_mask},
      {"aten::_fused_moving_avg_obs_fq_helper_functional", observed_functional},
      {"quantized_decomposed::quantize_per_tensor.*", quantize_per_tensor},
      {"quantized_decomposed::dequantize_per_tensor.*", dequantize_per_tensor},
      {"quantized_decomposed::quantize_per_channel", quantize_per_channel},
      {"quantized_decomposed::dequantize_per_channel", dequantize_per_channel},
      {"quantized_decomposed::fake_quant_per_channel", fake_quant_per_channel},
      {"quantized_decomposed::convert_element_type.*", convert_element_type},
      {"quantized_decomposed::choose_qparams.*", choose},
      {"quantized_decomposed::choose_qparams_symmetric.*", choose_symmetric},
      {"quantized_decomposed::choose_qparams_per_token", choose_per_token},
      {"quantized_decomposed::choose_qparams_per_token_asymmetric", choose_per_token_asymmetric},
      {"quantized_decomposed::_choose_qparams_per_token_asymmetric_impl",
       choose_per_token_asymmetric},
      {"quantized_decomposed::quantize_per_token", quantize_per_token},
      {"quantized_decomposed::dequantize_per_token", dequantize_per_token},
      {"quantized_decomposed::quantize_per_channel_group", quantize_groups},
      {"quantized_decomposed::dequantize_per_channel_group", dequantize_groups},
  };
  return kAll;
}

}  // namespace tenon::ops
