// The inner loops of RoiAlign (roi_align.simd.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon::ops {

// The pixels along one axis that bins take averages of, and their weights: those of bin b are
// first[b] to first[b + 1].
struct RoiTaps {
  std::vector<uint32_t> first{0};
  std::vector<int64_t> at;
  std::vector<float> weights;

  size_t bins() const { return first.size() - 1; }
};

// A region of any plane: columns count from `left`, and `window` of them are read in each row.
struct RoiRegion {
  RoiTaps rows, columns;
  size_t left = 0, window = 0;
};

// One region of one plane, whose rows are of `width` floats; `mixed` holds a window.
void align_region(const RoiRegion& region, const float* plane, size_t width, float* mixed,
                  float* y);
// What a window's size is best a multiple of.
size_t align_lanes();

}  // namespace tenon::ops
