#include "ops/roi_align/roi_align.kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/roi_align/roi_align.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tenon::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void AlignRegion(const RoiRegion& region, const float* plane, size_t width, float* mixed,
                 float* y) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const RoiTaps &rows = region.rows, &columns = region.columns;
  const float* x = plane + region.left;
  for (size_t b = 0; b < rows.bins(); ++b) {
    const uint32_t begin = rows.first[b], end = rows.first[b + 1];
    size_t i = 0;
    for (; i + lanes <= region.window; i += lanes) {
      auto sum = hn::Zero(d);
      for (uint32_t k = begin; k < end; ++k) {
        const float* row = x + static_cast<size_t>(rows.at[k]) * width;
        sum = hn::MulAdd(hn::LoadU(d, row + i), hn::Set(d, rows.weights[k]), sum);
      }
      hn::StoreU(sum, d, mixed + i);
    }
    for (; i < region.window; ++i) {
      float sum = 0;
      for (uint32_t k = begin; k < end; ++k)
        sum += x[static_cast<size_t>(rows.at[k]) * width + i] * rows.weights[k];
      mixed[i] = sum;
    }
    for (size_t bin = 0; bin < columns.bins(); ++bin) {
      float sum = 0;
      for (uint32_t k = columns.first[bin]; k < columns.first[bin + 1]; ++k)
        sum += columns.weights[k] * mixed[columns.at[k]];
      *y++ = sum;
    }
  }
}

size_t AlignLanes() { return hn::Lanes(hn::ScalableTag<float>()); }

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::ops {
HWY_EXPORT(AlignRegion);
HWY_EXPORT(AlignLanes);

void align_region(const RoiRegion& region, const float* plane, size_t width, float* mixed,
                  float* y) {
  HWY_DYNAMIC_DISPATCH(AlignRegion)(region, plane, width, mixed, y);
}
size_t align_lanes() { return HWY_DYNAMIC_DISPATCH(AlignLanes)(); }

}  // namespace tenon::ops
#endif
