// Attributes of Concat, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (inputs...) -> concat_result; since opset 13.
struct Concat {
  static constexpr std::string_view kName = "Concat";
  int64_t axis = {};
  static constexpr auto fields() { return std::tuple{ir::field("axis", &Concat::axis)}; }
};

}  // namespace tenon::ops
