// Mean and variance of consecutive elements.
#pragma once

#include <cmath>
#include <span>

namespace tenon::ops {

struct Moments {
  double mean = 0, variance = 0;
};

inline Moments moments(std::span<const double> values) {
  Moments out;
  const auto n = static_cast<double>(values.size());
  for (double v : values) out.mean += v / n;
  for (double v : values) out.variance += (v - out.mean) * (v - out.mean) / n;
  return out;
}

}  // namespace tenon::ops
