// Rows of a layer normalisation (layer_norm.simd.cpp).
#pragma once

#include <cstddef>

namespace tenon::ops {

// y = (x - mean(x)) / sqrt(var(x) + epsilon) * scale + bias over n contiguous floats; scale and
// bias may be null, y may be x.
void layer_norm_row(const float* x, const float* scale, const float* bias, float* y, size_t n,
                    float epsilon);

}  // namespace tenon::ops
