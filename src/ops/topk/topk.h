// Attributes of TopK, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, K) -> Values, Indices; since opset 24.
struct TopK {
  static constexpr std::string_view kName = "TopK";
  int64_t axis = -1;
  bool largest = true;
  bool sorted = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &TopK::axis), ir::field("largest", &TopK::largest),
                      ir::field("sorted", &TopK::sorted)};
  }
};

}  // namespace tenon::ops
