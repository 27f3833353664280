// Attributes of GridSample, as in ONNX.
#pragma once

#include <string>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, grid) -> Y; since opset 22.
struct GridSample {
  static constexpr std::string_view kName = "GridSample";
  bool align_corners = false;
  std::string mode = "linear";
  std::string padding_mode = "zeros";
  static constexpr auto fields() {
    return std::tuple{ir::field("align_corners", &GridSample::align_corners),
                      ir::field("mode", &GridSample::mode),
                      ir::field("padding_mode", &GridSample::padding_mode)};
  }
};

}  // namespace tenon::ops
