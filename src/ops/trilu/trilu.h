// Attributes of Trilu, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, k?) -> output; since opset 14.
struct Trilu {
  static constexpr std::string_view kName = "Trilu";
  bool upper = true;
  static constexpr auto fields() { return std::tuple{ir::field("upper", &Trilu::upper)}; }
};

}  // namespace tenon::ops
