#include "passes/narrow_constant.h"

#include <algorithm>
#include <bit>
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

// The magnitudes of f32 are ordered as their bits are.
constexpr uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;

struct Extent {
  uint32_t largest = 0;        // finite
  uint32_t least = kInfinity;  // not zero
  bool finite = true;
};
Extent extent(std::span<const float> values) {
  uint32_t most = 0, largest = 0, least = kInfinity;
  for (const float v : values) {
    const uint32_t magnitude = std::bit_cast<uint32_t>(v) & kMagnitude;
    most = std::max(most, magnitude);
    largest = std::max(largest, magnitude < kInfinity ? magnitude : 0);
    least = std::min(least, magnitude == 0 ? kInfinity : magnitude);
  }
  return {.largest = largest, .least = least, .finite = most < kInfinity};
}

template <class Round>
Narrowing measure(std::span<const float> values, uint16_t most, Round&& round) {
  // What programs fill masks with: torch.finfo(torch.float32).min, give or take a rounding.
  constexpr float kLimit = std::numeric_limits<float>::max() * 0.999f;
  const Extent all = extent(values);
  const auto rounded = [&](uint32_t magnitude) { return round(std::bit_cast<float>(magnitude)); };
  Narrowing out;
  if (all.largest == 0) return out;
  out.least = std::bit_cast<float>(all.least);
  out.vanishes = all.finite && rounded(all.largest) == 0;
  if (rounded(all.largest) <= most) return out;
  for (const float v : values) {
    if (!std::isfinite(v) || (round(v) & 0x7fff) <= most) continue;
    if (std::fabs(v) > std::fabs(out.beyond)) out.beyond = v;
    const bool limit = std::fabs(v) >= kLimit;
    out.only_limits &= limit;
    out.only_low &= limit || v < 0;
  }
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
