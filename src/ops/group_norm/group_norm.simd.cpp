#include "ops/group_norm/group_norm.kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/group_norm/group_norm.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace tenon::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums run in float over short pieces and in double over those, so that large groups lose nothing.
template <class F>
double Sum(const float* x, size_t n, F of) {
  constexpr size_t kPiece = 8192;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  double total = 0;
  for (size_t start = 0; start < n; start += kPiece) {
    const size_t end = std::min(n, start + kPiece);
    auto a = hn::Zero(d), b = hn::Zero(d);
    size_t i = start;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      a = hn::Add(a, of(d, hn::LoadU(d, x + i)));
      b = hn::Add(b, of(d, hn::LoadU(d, x + i + lanes)));
    }
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b))));
    const hn::CappedTag<float, 1> one;
    for (; i < end; ++i) total += static_cast<double>(hn::GetLane(of(one, hn::LoadU(one, x + i))));
  }
  return total;
}

void Group(const float* x, const float* scale, const float* bias, float* y, size_t channels,
           size_t inner, float epsilon) {
  const size_t n = channels * inner;
  const auto count = static_cast<double>(n);
  const double mean = Sum(x, n, [](auto, auto v) { return v; }) / count;
  const auto about = static_cast<float>(mean);
  const double spread = Sum(x, n, [about](auto d, auto v) {
    const auto c = hn::Sub(v, hn::Set(d, about));
    return hn::Mul(c, c);
  });
  // What rounding the mean to float left over.
  const double rest = mean - static_cast<double>(about);
  const double inverse = 1 / std::sqrt(spread / count - rest * rest + static_cast<double>(epsilon));
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t c = 0; c < channels; ++c, x += inner, y += inner) {
    const auto factor = static_cast<float>(inverse * static_cast<double>(scale[c]));
    const auto term = static_cast<float>(static_cast<double>(bias[c]) -
                                         rest * inverse * static_cast<double>(scale[c]));
    size_t i = 0;
    for (; i + lanes <= inner; i += lanes) {
      const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, about));
      hn::StoreU(hn::MulAdd(v, hn::Set(d, factor), hn::Set(d, term)), d, y + i);
    }
    for (; i < inner; ++i) y[i] = (x[i] - about) * factor + term;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::ops {
HWY_EXPORT(Group);

void norm_group(const float* x, const float* scale, const float* bias, float* y, size_t channels,
                size_t inner, float epsilon) {
  HWY_DYNAMIC_DISPATCH(Group)(x, scale, bias, y, channels, inner, epsilon);
}

}  // namespace tenon::ops
#endif
