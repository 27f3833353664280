#include "passes/narrow_constant.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"

namespace tenon::passes {
namespace {

constexpr uint16_t kLargestF16 = 0x7bff, kLargestBF16 = 0x7f7f;

// Finite numbers of f32 that round to infinity become the largest, of the same sign.
template <class Round>
void narrow(std::span<const float> from, std::span<uint16_t> to, uint16_t most, Round&& round) {
  for (size_t i = 0; i < from.size(); ++i) {
    const uint16_t rounded = round(from[i]);
    const bool overflows = (rounded & 0x7fff) == most + 1 && std::isfinite(from[i]);
    to[i] = overflows ? static_cast<uint16_t>((rounded & 0x8000) | most) : rounded;
  }
}

template <class Round>
Narrowing measure(std::span<const float> values, uint16_t most, Round&& round) {
  // What programs fill masks with: torch.finfo(torch.float32).min, give or take a rounding.
  constexpr float kLimit = std::numeric_limits<float>::max() * 0.999f;
  Narrowing out;
  bool any = false, left = false;
  for (const float v : values) {
    if (v == 0 || !std::isfinite(v)) {
      left |= v != 0;
      continue;
    }
    const double magnitude = std::fabs(static_cast<double>(v));
    out.least = any ? std::min(out.least, magnitude) : magnitude;
    any = true;
    const int rounded = round(v) & 0x7fff;
    left |= rounded != 0;
    if (rounded <= most) continue;
    if (magnitude > std::fabs(out.beyond)) out.beyond = v;
    const bool limit = magnitude >= static_cast<double>(kLimit);
    out.only_limits &= limit;
    out.only_low &= limit || v < 0;
  }
  out.vanishes = any && !left;
  return out;
}

}  // namespace

double largest(DType type) {
  return type == DType::f16 ? f16_to_float(kLargestF16) : bf16_to_float(kLargestBF16);
}

double least_normal(DType type) { return type == DType::f16 ? 0x1p-14 : 0x1p-126; }

Narrowing narrowing(const Tensor& f32, DType type) {
  return type == DType::f16 ? measure(f32.values<float>(), kLargestF16, float_to_f16)
                            : measure(f32.values<float>(), kLargestBF16, float_to_bf16);
}

Tensor narrowed(const Tensor& f32, DType type) {
  Tensor out = Tensor::zeros(type, f32.shape());
  if (type == DType::f16)
    narrow(f32.values<float>(), out.mutable_values<uint16_t>(), kLargestF16, float_to_f16);
  else
    narrow(f32.values<float>(), out.mutable_values<uint16_t>(), kLargestBF16, float_to_bf16);
  return out;
}

}  // namespace tenon::passes
