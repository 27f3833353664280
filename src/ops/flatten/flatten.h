// Attributes of Flatten, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input) -> output; since opset 25.
struct Flatten {
  static constexpr std::string_view kName = "Flatten";
  int64_t axis = 1;
  static constexpr auto fields() { return std::tuple{ir::field("axis", &Flatten::axis)}; }
};

}  // namespace tenon::ops
