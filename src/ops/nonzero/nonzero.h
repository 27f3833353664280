// Attributes of NonZero, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y; since opset 13.
struct NonZero {
  static constexpr std::string_view kName = "NonZero";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
