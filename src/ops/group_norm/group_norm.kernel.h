// One group of a group or instance normalisation (group_norm.simd.cpp).
#pragma once

#include <cstddef>

namespace tenon::ops {

// Normalises channels * inner contiguous floats about their common mean; each channel of `inner`
// floats has a scale and a bias of its own. y may be x.
void norm_group(const float* x, const float* scale, const float* bias, float* y, size_t channels,
                size_t inner, float epsilon);

}  // namespace tenon::ops
