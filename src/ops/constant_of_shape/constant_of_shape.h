// Attributes of ConstantOfShape, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input) -> output; since opset 25.
struct ConstantOfShape {
  static constexpr std::string_view kName = "ConstantOfShape";
  std::optional<Tensor> value;
  static constexpr auto fields() { return std::tuple{ir::field("value", &ConstantOfShape::value)}; }
};

}  // namespace tenon::ops
