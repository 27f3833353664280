// Output sizes of Resize, for inference and for kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tenon::ops {

// In float, as ONNX computes it.
inline int64_t resized_by(int64_t size, float factor) {
  return static_cast<int64_t>(std::floor(static_cast<float>(size) * factor));
}

// The sizes that keep the ratio of the axes: the smallest scale (not_larger) or the largest
// (not_smaller) goes for all.
inline std::vector<int64_t> keep_aspect_ratio(std::span<const int64_t> from,
                                              std::span<const int64_t> wanted,
                                              std::string_view policy) {
  std::vector<int64_t> out(wanted.begin(), wanted.end());
  if (policy == "stretch") return out;
  double scale = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const double s =
        static_cast<double>(wanted[i]) / static_cast<double>(std::max<int64_t>(from[i], 1));
    scale = i == 0 ? s : policy == "not_larger" ? std::min(scale, s) : std::max(scale, s);
  }
  for (size_t i = 0; i < from.size(); ++i)
    out[i] = static_cast<int64_t>(std::floor(static_cast<double>(from[i]) * scale + 0.5));
  return out;
}

}  // namespace tenon::ops
