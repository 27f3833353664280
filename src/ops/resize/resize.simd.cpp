#include "ops/resize/resize.kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/resize/resize.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tenon::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void Mix(const float* const* rows, const float* weights, size_t taps, float* out, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto sum = hn::Mul(hn::LoadU(d, rows[0] + i), hn::Set(d, weights[0]));
    for (size_t k = 1; k < taps; ++k)
      sum = hn::MulAdd(hn::LoadU(d, rows[k] + i), hn::Set(d, weights[k]), sum);
    hn::StoreU(sum, d, out + i);
  }
  for (; i < n; ++i) {
    float sum = rows[0][i] * weights[0];
    for (size_t k = 1; k < taps; ++k) sum += rows[k][i] * weights[k];
    out[i] = sum;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::ops {
HWY_EXPORT(Mix);

void mix_rows(const float* const* rows, const float* weights, size_t taps, float* out, size_t n) {
  HWY_DYNAMIC_DISPATCH(Mix)(rows, weights, taps, out, n);
}

}  // namespace tenon::ops
#endif
