// Attributes of Identity, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input) -> output; since opset 25.
struct Identity {
  static constexpr std::string_view kName = "Identity";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
