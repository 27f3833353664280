// Attributes of Slice, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, starts, ends, axes?, steps?) -> output; since opset 13.
struct Slice {
  static constexpr std::string_view kName = "Slice";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
