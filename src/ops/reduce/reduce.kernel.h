// Reductions of one row of floats (reduce.simd.cpp). Sums are good to double precision nearly.
#pragma once

#include <cstddef>

namespace tenon::ops {

double sum_of_row(const float* x, size_t n);
double sum_of_squares(const float* x, size_t n);
double sum_of_magnitudes(const float* x, size_t n);
// Of at least one element; NaN where any is.
float largest_of_row(const float* x, size_t n);
float smallest_of_row(const float* x, size_t n);

}  // namespace tenon::ops
