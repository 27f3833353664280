// Attributes of MatMul, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (A, B) -> Y; since opset 13.
struct MatMul {
  static constexpr std::string_view kName = "MatMul";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
