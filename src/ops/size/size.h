// Attributes of Size, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data) -> size; since opset 25.
struct Size {
  static constexpr std::string_view kName = "Size";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
