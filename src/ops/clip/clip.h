// Attributes of Clip, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, min?, max?) -> output; since opset 13.
struct Clip {
  static constexpr std::string_view kName = "Clip";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
