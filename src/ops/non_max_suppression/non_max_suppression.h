// Attributes of NonMaxSuppression, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (boxes [batch, n, 4], scores [batch, classes, n], max_output_boxes_per_class?, iou_threshold?,
// score_threshold?) -> selected [k, 3] of (batch, class, box); since opset 11.
struct NonMaxSuppression {
  static constexpr std::string_view kName = "NonMaxSuppression";
  int64_t center_point_box = 0;  // 0: boxes are two opposite corners; 1: (x, y, width, height)
  static constexpr auto fields() {
    return std::tuple{ir::field("center_point_box", &NonMaxSuppression::center_point_box)};
  }
};

}  // namespace tenon::ops
