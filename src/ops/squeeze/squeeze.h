// Attributes of Squeeze, Unsqueeze, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, axes?) -> squeezed; since opset 25.
struct Squeeze {
  static constexpr std::string_view kName = "Squeeze";
  static constexpr auto fields() { return std::tuple{}; }
};

// (data, axes) -> expanded; since opset 25.
struct Unsqueeze {
  static constexpr std::string_view kName = "Unsqueeze";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
