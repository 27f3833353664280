// Attributes of Where, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (condition, X, Y) -> output; since opset 16.
struct Where {
  static constexpr std::string_view kName = "Where";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
