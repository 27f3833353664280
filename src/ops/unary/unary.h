// Attributes of the operators of this family, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y; since opset 14.
struct Relu {
  static constexpr std::string_view kName = "Relu";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Sigmoid {
  static constexpr std::string_view kName = "Sigmoid";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 13.
struct Tanh {
  static constexpr std::string_view kName = "Tanh";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 13.
struct Exp {
  static constexpr std::string_view kName = "Exp";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 13.
struct Log {
  static constexpr std::string_view kName = "Log";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Sqrt {
  static constexpr std::string_view kName = "Sqrt";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Reciprocal {
  static constexpr std::string_view kName = "Reciprocal";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Neg {
  static constexpr std::string_view kName = "Neg";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Abs {
  static constexpr std::string_view kName = "Abs";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Floor {
  static constexpr std::string_view kName = "Floor";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 13.
struct Ceil {
  static constexpr std::string_view kName = "Ceil";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 22.
struct Round {
  static constexpr std::string_view kName = "Round";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 13.
struct Erf {
  static constexpr std::string_view kName = "Erf";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Sin {
  static constexpr std::string_view kName = "Sin";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Cos {
  static constexpr std::string_view kName = "Cos";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Tan {
  static constexpr std::string_view kName = "Tan";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Asin {
  static constexpr std::string_view kName = "Asin";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Acos {
  static constexpr std::string_view kName = "Acos";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Atan {
  static constexpr std::string_view kName = "Atan";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Sinh {
  static constexpr std::string_view kName = "Sinh";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Cosh {
  static constexpr std::string_view kName = "Cosh";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Asinh {
  static constexpr std::string_view kName = "Asinh";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Acosh {
  static constexpr std::string_view kName = "Acosh";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Atanh {
  static constexpr std::string_view kName = "Atanh";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 13.
struct Sign {
  static constexpr std::string_view kName = "Sign";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 1.
struct Not {
  static constexpr std::string_view kName = "Not";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 22.
struct Softplus {
  static constexpr std::string_view kName = "Softplus";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input) -> output; since opset 22.
struct Softsign {
  static constexpr std::string_view kName = "Softsign";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 22.
struct HardSwish {
  static constexpr std::string_view kName = "HardSwish";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 22.
struct Mish {
  static constexpr std::string_view kName = "Mish";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 20.
struct IsNaN {
  static constexpr std::string_view kName = "IsNaN";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 20.
struct IsInf {
  static constexpr std::string_view kName = "IsInf";
  bool detect_negative = true;
  bool detect_positive = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("detect_negative", &IsInf::detect_negative),
                      ir::field("detect_positive", &IsInf::detect_positive)};
  }
};

// (X) -> Y; since opset 18.
struct BitwiseNot {
  static constexpr std::string_view kName = "BitwiseNot";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
