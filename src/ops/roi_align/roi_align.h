// Attributes of RoiAlign and MaxRoiPool, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X [n, c, h, w], rois [k, 4] as x1 y1 x2 y2, batch_indices [k]) -> [k, c, output_height,
// output_width]; since opset 22.
struct RoiAlign {
  static constexpr std::string_view kName = "RoiAlign";
  std::string coordinate_transformation_mode = "half_pixel";
  std::string mode = "avg";
  int64_t output_height = 1;
  int64_t output_width = 1;
  int64_t sampling_ratio = 0;  // samples along an axis of each bin; 0: as many as it is large
  float spatial_scale = 1;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("coordinate_transformation_mode", &RoiAlign::coordinate_transformation_mode),
        ir::field("mode", &RoiAlign::mode),
        ir::field("output_height", &RoiAlign::output_height),
        ir::field("output_width", &RoiAlign::output_width),
        ir::field("sampling_ratio", &RoiAlign::sampling_ratio),
        ir::field("spatial_scale", &RoiAlign::spatial_scale)};
  }
};

// (X [n, c, h, w], rois [k, 5] as batch x1 y1 x2 y2) -> [k, c, *pooled_shape]; since opset 22.
struct MaxRoiPool {
  static constexpr std::string_view kName = "MaxRoiPool";
  std::vector<int64_t> pooled_shape;
  float spatial_scale = 1;
  static constexpr auto fields() {
    return std::tuple{ir::field("pooled_shape", &MaxRoiPool::pooled_shape),
                      ir::field("spatial_scale", &MaxRoiPool::spatial_scale)};
  }
};

}  // namespace tenon::ops
