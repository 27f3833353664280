// Attributes of Reshape, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, shape) -> reshaped; since opset 25.
struct Reshape {
  static constexpr std::string_view kName = "Reshape";
  bool allowzero = false;
  static constexpr auto fields() { return std::tuple{ir::field("allowzero", &Reshape::allowzero)}; }
};

}  // namespace tenon::ops
