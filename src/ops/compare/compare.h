// Attributes of Equal, Greater, Less, GreaterOrEqual, LessOrEqual, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (A, B) -> C; since opset 19.
struct Equal {
  static constexpr std::string_view kName = "Equal";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 13.
struct Greater {
  static constexpr std::string_view kName = "Greater";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 13.
struct Less {
  static constexpr std::string_view kName = "Less";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 16.
struct GreaterOrEqual {
  static constexpr std::string_view kName = "GreaterOrEqual";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 16.
struct LessOrEqual {
  static constexpr std::string_view kName = "LessOrEqual";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
