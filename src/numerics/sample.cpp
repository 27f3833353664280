#include "numerics/sample.h"

#include <algorithm>
#include <cmath>

namespace tenon::numerics {

double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  const double place = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, samples.size() - 1);
  const double part = place - static_cast<double>(below);
  return samples[below] * (1 - part) + samples[above] * part;
}

RatioEstimate ratio(std::span<const double> a, std::span<const double> b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) ratios.push_back(a[i] / b[i]);
  if (ratios.empty()) return {};
  std::ranges::sort(ratios);
  const auto n = static_cast<double>(ratios.size());
  const double half = 1.96 * std::sqrt(n) / 2;
  const auto at = [&](double rank) {
    return ratios[static_cast<size_t>(std::clamp(rank, 0.0, n - 1))];
  };
  return {.median = quantile(ratios, 0.5),
          .low = at(std::floor(n / 2 - half)),
          .high = at(std::ceil(n / 2 + half))};
}

}  // namespace tenon::numerics
