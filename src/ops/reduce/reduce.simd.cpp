#include "ops/reduce/reduce.kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/reduce/reduce.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace tenon::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums run in float over short pieces and in double over those, so that long rows lose nothing.
template <class F>
double SumOf(const float* x, size_t n, F of) {
  constexpr size_t kPiece = 2048;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  double total = 0;
  for (size_t start = 0; start < n; start += kPiece) {
    const size_t end = std::min(n, start + kPiece);
    auto a = hn::Zero(d), b = hn::Zero(d);
    size_t i = start;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      a = hn::Add(a, of(hn::LoadU(d, x + i)));
      b = hn::Add(b, of(hn::LoadU(d, x + i + lanes)));
    }
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b))));
    const hn::CappedTag<float, 1> one;
    for (; i < end; ++i) total += static_cast<double>(hn::GetLane(of(hn::LoadU(one, x + i))));
  }
  return total;
}

double SumOfRow(const float* x, size_t n) {
  return SumOf(x, n, [](auto v) { return v; });
}
double SumOfSquares(const float* x, size_t n) {
  return SumOf(x, n, [](auto v) { return hn::Mul(v, v); });
}
double SumOfMagnitudes(const float* x, size_t n) {
  return SumOf(x, n, [](auto v) { return hn::Abs(v); });
}

template <bool kMax>
float ExtremeOfRow(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto best = hn::Set(d, x[0]);
  auto nowhere = hn::IsNaN(best);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    nowhere = hn::Or(nowhere, hn::IsNaN(v));
    best = kMax ? hn::Max(best, v) : hn::Min(best, v);
  }
  if (!hn::AllFalse(d, nowhere)) return std::numeric_limits<float>::quiet_NaN();
  float out = hn::GetLane(kMax ? hn::MaxOfLanes(d, best) : hn::MinOfLanes(d, best));
  for (; i < n; ++i) {
    if (x[i] != x[i]) return x[i];
    out = kMax ? std::max(out, x[i]) : std::min(out, x[i]);
  }
  return out;
}
float LargestOfRow(const float* x, size_t n) { return ExtremeOfRow<true>(x, n); }
float SmallestOfRow(const float* x, size_t n) { return ExtremeOfRow<false>(x, n); }

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::ops {
HWY_EXPORT(SumOfRow);
HWY_EXPORT(SumOfSquares);
HWY_EXPORT(SumOfMagnitudes);
HWY_EXPORT(LargestOfRow);
HWY_EXPORT(SmallestOfRow);

double sum_of_row(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(SumOfRow)(x, n); }
double sum_of_squares(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(SumOfSquares)(x, n); }
double sum_of_magnitudes(const float* x, size_t n) {
  return HWY_DYNAMIC_DISPATCH(SumOfMagnitudes)(x, n);
}
float largest_of_row(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(LargestOfRow)(x, n); }
float smallest_of_row(const float* x, size_t n) {
  return HWY_DYNAMIC_DISPATCH(SmallestOfRow)(x, n);
}

}  // namespace tenon::ops
#endif
