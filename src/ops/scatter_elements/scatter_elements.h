// Attributes of ScatterElements, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, indices, updates) -> output; since opset 18.
struct ScatterElements {
  static constexpr std::string_view kName = "ScatterElements";
  int64_t axis = 0;
  std::string reduction = "none";
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &ScatterElements::axis),
                      ir::field("reduction", &ScatterElements::reduction)};
  }
};

}  // namespace tenon::ops
