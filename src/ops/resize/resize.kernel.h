// The inner loop of resizing (resize.simd.cpp).
#pragma once

#include <cstddef>

namespace tenon::ops {

// out[i] = the sum of weights[k] * rows[k][i] over `taps` rows of n floats.
void mix_rows(const float* const* rows, const float* weights, size_t taps, float* out, size_t n);

}  // namespace tenon::ops
