#include "ops/next_after/next_after.h"

#include "base/half.h"
#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// Halves as sign and magnitude: the next bit pattern is the next number.
template <float (*widen)(uint16_t), uint16_t (*narrow)(float)>
double next_half(double from, double to) {
  if (std::isnan(from) || std::isnan(to)) return std::nan("");
  if (from == to) return to;
  uint16_t pattern = narrow(static_cast<float>(from));
  if ((pattern & 0x7fff) == 0)
    pattern = to > 0 ? 0x0001 : 0x8001;
  else if ((to > from) == ((pattern & 0x8000) == 0))
    ++pattern;
  else
    --pattern;
  return static_cast<double>(widen(pattern));
}

double next_single(double from, double to) {
  return static_cast<double>(std::nextafter(static_cast<float>(from), static_cast<float>(to)));
}

Status run_next_after(RefContext& c) {
  const DType type = c.input(0).dtype();
  switch (type) {
    case DType::f64:
      return map_broadcast<double>(c, type,
                                   [](double a, double b) { return std::nextafter(a, b); });
    case DType::f32:
      return map_broadcast<double>(c, type, next_single);
    case DType::f16:
      return map_broadcast<double>(c, type, next_half<f16_to_float, float_to_f16>);
    case DType::bf16:
      return map_broadcast<double>(c, type, next_half<bf16_to_float, float_to_bf16>);
    default:
      return c.fail("the numbers are not of floating point");
  }
}

}  // namespace

std::span<const RefKernel> next_after_ref() {
  static constexpr RefKernel kernels[] = {
      {.name = NextAfter::kName, .run = run_next_after, .domain = NextAfter::kDomain}};
  return kernels;
}

}  // namespace tenon::ops
