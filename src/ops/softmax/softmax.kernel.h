// Rows of a softmax (softmax.simd.cpp).
#pragma once

#include <cstddef>

namespace tenon::ops {

// y[i] = exp(x[i] * scale - m) / sum, over n contiguous floats, m the row's largest; y may be x.
// Where every element is -inf, the row is NaN as by definition, or 0 where `masked`.
void softmax_row(const float* x, float* y, size_t n, float scale, bool masked);
void log_softmax_row(const float* x, float* y, size_t n);

}  // namespace tenon::ops
