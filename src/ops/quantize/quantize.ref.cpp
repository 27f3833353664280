#include "ops/quantize/quantize.h"

#include "base/half.h"
#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// For each element of the input, which scale and zero point are its own.
Result<std::vector<int64_t>> scale_places(const RefContext& c, int64_t axis, int64_t block_size) {
  const Dims &x = c.input(0).shape(), &scale = c.input(1).shape();
  if (c.has(2) && c.input(2).count() != c.input(1).count())
    return c.fail("scale and zero point have other shapes");
  const auto count = static_cast<size_t>(c.input(0).count());
  if (c.input(1).count() == 1) return std::vector<int64_t>(count, 0);
  const size_t at = TRY(axis_at(c, axis, x.size()));
  const int64_t inner = extent(x, at + 1, x.size());
  std::vector<int64_t> out(count);
  if (block_size == 0) {
    if (c.input(1).count() != x[at]) return c.fail("the scale does not fit the input");
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<int64_t>(i) / inner % x[at];
    return out;
  }
  if (scale.size() != x.size() || scale[at] != (x[at] + block_size - 1) / block_size ||
      c.input(1).count() != extent(x, 0, at) * scale[at] * inner)
    return c.fail("the scale does not fit the input");
  for (size_t i = 0; i < count; ++i) {
    const int64_t n = static_cast<int64_t>(i), place = n / inner % x[at];
    out[i] = (n / (inner * x[at]) * scale[at] + place / block_size) * inner + n % inner;
  }
  return out;
}

std::vector<double> zero_points(const RefContext& c) {
  if (c.has(2)) return elements<double>(c.input(2));
  return std::vector<double>(static_cast<size_t>(c.input(1).count()), 0);
}

// The quotient in the precision of the division.
double quotient(double x, double scale, DType precision) {
  switch (precision) {
    case DType::f64:
      return x / scale;
    case DType::f16:
      return static_cast<double>(f16_to_float(float_to_f16(static_cast<float>(x / scale))));
    case DType::bf16:
      return static_cast<double>(bf16_to_float(float_to_bf16(static_cast<float>(x / scale))));
    default:
      return static_cast<double>(static_cast<float>(x) / static_cast<float>(scale));
  }
}

Status run_quantize(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<QuantizeLinear>();
  const DType type = c.node.output(0)->dtype();
  if (!is_computable(type) || !is_integral(type) || bits(type) > 32)
    return c.unsupported(fmt::format("there are no quantised numbers of type {} here", name(type)),
                         "quantise to integers of 8, 16 or 32 bits");
  const std::vector<int64_t> place = TRY(scale_places(c, op.axis, op.block_size));
  const std::vector<double> scale = elements<double>(c.input(1)), point = zero_points(c);
  const DType precision = op.precision ? static_cast<DType>(op.precision) : c.input(1).dtype();
  const IntegerLimits limits = limits_of(type);
  std::vector<double> values = elements<double>(c.input(0));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto p = static_cast<size_t>(place[i]);
    const double v = std::nearbyint(quotient(values[i], scale[p], precision)) + point[p];
    values[i] = v >= limits.low ? std::min(v, limits.high) : limits.low;  // NaN: the lowest
  }
  c.outputs[0] = from_elements<double>(type, c.input(0).shape(), values);
  return {};
}

Status run_dequantize(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<DequantizeLinear>();
  const DType type = c.node.output(0)->dtype();
  if (!is_computable(type))
    return c.unsupported(fmt::format("there is no arithmetic on {} here", name(type)),
                         "dequantise to a float of at least 16 bits");
  const std::vector<int64_t> place = TRY(scale_places(c, op.axis, op.block_size));
  const std::vector<double> scale = elements<double>(c.input(1)), point = zero_points(c);
  std::vector<double> values = elements<double>(c.input(0));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto p = static_cast<size_t>(place[i]);
    const double steps = values[i] - point[p];
    // Of 32-bit integers, the difference is rounded to f32 before the product.
    values[i] = type == DType::f64
                    ? steps * scale[p]
                    : static_cast<double>(static_cast<float>(steps) * static_cast<float>(scale[p]));
  }
  c.outputs[0] = from_elements<double>(type, c.input(0).shape(), values);
  return {};
}

}  // namespace

std::span<const RefKernel> quantize_ref() {
  static constexpr RefKernel kernels[] = {kernel<QuantizeLinear>(run_quantize),
                                          kernel<DequantizeLinear>(run_dequantize)};
  return kernels;
}

}  // namespace tenon::ops
