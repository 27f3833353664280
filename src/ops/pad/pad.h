// Attributes of Pad, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, pads, constant_value?, axes?) -> output; since opset 25.
struct Pad {
  static constexpr std::string_view kName = "Pad";
  std::string mode = "constant";
  static constexpr auto fields() { return std::tuple{ir::field("mode", &Pad::mode)}; }
};

}  // namespace tenon::ops
