// Attributes of OneHot, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (indices, depth, values) -> output; since opset 28.
struct OneHot {
  static constexpr std::string_view kName = "OneHot";
  int64_t axis = -1;
  static constexpr auto fields() { return std::tuple{ir::field("axis", &OneHot::axis)}; }
};

}  // namespace tenon::ops
