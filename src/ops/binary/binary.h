// Attributes of the operators of this family, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (A, B) -> C; since opset 14.
struct Add {
  static constexpr std::string_view kName = "Add";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 14.
struct Sub {
  static constexpr std::string_view kName = "Sub";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 14.
struct Mul {
  static constexpr std::string_view kName = "Mul";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 14.
struct Div {
  static constexpr std::string_view kName = "Div";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X, Y) -> Z; since opset 15.
struct Pow {
  static constexpr std::string_view kName = "Pow";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 28.
struct Mod {
  static constexpr std::string_view kName = "Mod";
  bool fmod = false;
  static constexpr auto fields() { return std::tuple{ir::field("fmod", &Mod::fmod)}; }
};

// (A, B) -> C; since opset 7.
struct And {
  static constexpr std::string_view kName = "And";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 7.
struct Or {
  static constexpr std::string_view kName = "Or";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 7.
struct Xor {
  static constexpr std::string_view kName = "Xor";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 18.
struct BitwiseAnd {
  static constexpr std::string_view kName = "BitwiseAnd";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 18.
struct BitwiseOr {
  static constexpr std::string_view kName = "BitwiseOr";
  static constexpr auto fields() { return std::tuple{}; }
};

// (A, B) -> C; since opset 18.
struct BitwiseXor {
  static constexpr std::string_view kName = "BitwiseXor";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X, Y) -> Z; since opset 28.
struct BitShift {
  static constexpr std::string_view kName = "BitShift";
  std::string direction = {};
  static constexpr auto fields() {
    return std::tuple{ir::field("direction", &BitShift::direction)};
  }
};

}  // namespace tenon::ops
