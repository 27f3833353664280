// Attributes of If, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (cond) -> outputs...; since opset 25.
struct If {
  static constexpr std::string_view kName = "If";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
