// Attributes of Det, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input [.., n, n]) -> output [..]; since opset 11.
struct Det {
  static constexpr std::string_view kName = "Det";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
