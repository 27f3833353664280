#include "ops/layer_norm/layer_norm.kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/layer_norm/layer_norm.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace tenon::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Two passes over a row that the first one brought into the cache: the mean, then the variance
// about it.
void Row(const float* x, const float* scale, const float* bias, float* y, size_t n, float epsilon) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d), sum2 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    sum = hn::Add(sum, hn::LoadU(d, x + i));
    sum2 = hn::Add(sum2, hn::LoadU(d, x + i + lanes));
  }
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum, sum2)));
  for (; i < n; ++i) total += x[i];
  const float mean = total / static_cast<float>(n);
  const auto vmean = hn::Set(d, mean);
  sum = hn::Zero(d);
  i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto c = hn::Sub(hn::LoadU(d, x + i), vmean);
    sum = hn::MulAdd(c, c, sum);
  }
  total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) total += (x[i] - mean) * (x[i] - mean);
  const float inverse = 1 / std::sqrt(total / static_cast<float>(n) + epsilon);
  const auto vinverse = hn::Set(d, inverse);
  i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto v = hn::Mul(hn::Sub(hn::LoadU(d, x + i), vmean), vinverse);
    if (scale != nullptr) v = hn::Mul(v, hn::LoadU(d, scale + i));
    if (bias != nullptr) v = hn::Add(v, hn::LoadU(d, bias + i));
    hn::StoreU(v, d, y + i);
  }
  for (; i < n; ++i) {
    float v = (x[i] - mean) * inverse;
    if (scale != nullptr) v *= scale[i];
    if (bias != nullptr) v += bias[i];
    y[i] = v;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::ops {
HWY_EXPORT(Row);

void layer_norm_row(const float* x, const float* scale, const float* bias, float* y, size_t n,
                    float epsilon) {
  HWY_DYNAMIC_DISPATCH(Row)(x, scale, bias, y, n, epsilon);
}

}  // namespace tenon::ops
#endif
