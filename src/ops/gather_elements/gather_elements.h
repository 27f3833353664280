// Attributes of GatherElements, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, indices) -> output; since opset 13.
struct GatherElements {
  static constexpr std::string_view kName = "GatherElements";
  int64_t axis = 0;
  static constexpr auto fields() { return std::tuple{ir::field("axis", &GatherElements::axis)}; }
};

}  // namespace tenon::ops
