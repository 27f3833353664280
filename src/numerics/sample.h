// Order statistics of measurements.
#pragma once

#include <span>
#include <vector>

namespace tenon::numerics {

// The value below which the share q (0 to 1) of the samples lies, interpolated; 0 for no samples.
double quantile(std::vector<double> samples, double q);

struct RatioEstimate {
  double median = 0, low = 0, high = 0;  // low and high: a 95 % interval of the median
};
// The median of the ratios a[i] / b[i] of measurements taken in turns, with the interval that order
// statistics give without any assumption about their distribution (binomial, normal approximation).
RatioEstimate ratio(std::span<const double> a, std::span<const double> b);

}  // namespace tenon::numerics
