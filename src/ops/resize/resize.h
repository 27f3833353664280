// Attributes of Resize, as in ONNX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, roi?, scales?, sizes?) -> Y; since opset 19.
struct Resize {
  static constexpr std::string_view kName = "Resize";
  bool antialias = false;
  std::optional<std::vector<int64_t>> axes;
  std::string coordinate_transformation_mode = "half_pixel";
  float cubic_coeff_a = -0.75f;
  bool exclude_outside = false;
  float extrapolation_value = 0.0f;
  std::string keep_aspect_ratio_policy = "stretch";
  std::string mode = "nearest";
  std::string nearest_mode = "round_prefer_floor";
  static constexpr auto fields() {
    return std::tuple{
        ir::field("antialias", &Resize::antialias),
        ir::field("axes", &Resize::axes),
        ir::field("coordinate_transformation_mode", &Resize::coordinate_transformation_mode),
        ir::field("cubic_coeff_a", &Resize::cubic_coeff_a),
        ir::field("exclude_outside", &Resize::exclude_outside),
        ir::field("extrapolation_value", &Resize::extrapolation_value),
        ir::field("keep_aspect_ratio_policy", &Resize::keep_aspect_ratio_policy),
        ir::field("mode", &Resize::mode),
        ir::field("nearest_mode", &Resize::nearest_mode)};
  }
};

}  // namespace tenon::ops
