#include "ops/softmax/softmax.kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/softmax/softmax.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

#include "targets/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tenon::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;

float Largest(const float* x, size_t n) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  auto most = hn::Set(d, -__builtin_inff());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) most = hn::Max(most, hn::LoadU(d, x + i));
  float out = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < n; ++i) out = x[i] > out ? x[i] : out;
  return out;
}

// Writes exp((x - m) * scale) where y is given; returns the sum.
float SumExp(const float* x, float* y, size_t n, float m, float scale) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const auto vm = hn::Set(d, m), vs = hn::Set(d, scale);
  auto sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto e = hn::Exp(d, hn::Mul(hn::Sub(hn::LoadU(d, x + i), vm), vs));
    if (y != nullptr) hn::StoreU(e, d, y + i);
    sum = hn::Add(sum, e);
  }
  if (i < n) {
    const auto mask = hn::FirstN(d, n - i);
    const auto e = hn::IfThenElseZero(
        mask, hn::Exp(d, hn::Mul(hn::Sub(hn::MaskedLoad(mask, d, x + i), vm), vs)));
    if (y != nullptr) hn::BlendedStore(e, mask, d, y + i);
    sum = hn::Add(sum, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

void Scale(float* y, size_t n, float factor) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const auto f = hn::Set(d, factor);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), f), d, y + i);
  for (; i < n; ++i) y[i] *= factor;
}

void Shift(const float* x, float* y, size_t n, float by) {
  for (size_t i = 0; i < n; ++i) y[i] = x[i] - by;
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::ops {
HWY_EXPORT(Largest);
HWY_EXPORT(SumExp);
HWY_EXPORT(Scale);
HWY_EXPORT(Shift);

void softmax_row(const float* x, float* y, size_t n, float scale, bool masked) {
  const float m = HWY_DYNAMIC_DISPATCH(Largest)(x, n);
  if (m == -std::numeric_limits<float>::infinity()) {
    std::fill_n(y, n, masked ? 0.0f : std::numeric_limits<float>::quiet_NaN());
    return;
  }
  const float sum = HWY_DYNAMIC_DISPATCH(SumExp)(x, y, n, m, scale);
  HWY_DYNAMIC_DISPATCH(Scale)(y, n, 1 / sum);
}

void log_softmax_row(const float* x, float* y, size_t n) {
  const float m = HWY_DYNAMIC_DISPATCH(Largest)(x, n);
  const float sum = HWY_DYNAMIC_DISPATCH(SumExp)(x, nullptr, n, m, 1);
  HWY_DYNAMIC_DISPATCH(Shift)(x, y, n, m + std::log(sum));
}

}  // namespace tenon::ops
#endif
