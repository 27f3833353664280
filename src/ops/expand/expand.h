// Attributes of Expand, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, shape) -> output; since opset 13.
struct Expand {
  static constexpr std::string_view kName = "Expand";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
