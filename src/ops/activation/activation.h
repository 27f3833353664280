// Attributes of the operators of this family, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y; since opset 22.
struct Elu {
  static constexpr std::string_view kName = "Elu";
  float alpha = 1.0f;
  static constexpr auto fields() { return std::tuple{ir::field("alpha", &Elu::alpha)}; }
};

// (X) -> Y; since opset 22.
struct Selu {
  static constexpr std::string_view kName = "Selu";
  float alpha = 1.6732632f;
  float gamma = 1.050701f;
  static constexpr auto fields() {
    return std::tuple{ir::field("alpha", &Selu::alpha), ir::field("gamma", &Selu::gamma)};
  }
};

// (X) -> Y; since opset 28.
struct Celu {
  static constexpr std::string_view kName = "Celu";
  float alpha = 1.0f;
  static constexpr auto fields() { return std::tuple{ir::field("alpha", &Celu::alpha)}; }
};

// (X) -> Y; since opset 16.
struct LeakyRelu {
  static constexpr std::string_view kName = "LeakyRelu";
  float alpha = 0.0099999998f;
  static constexpr auto fields() { return std::tuple{ir::field("alpha", &LeakyRelu::alpha)}; }
};

// (X) -> Y; since opset 22.
struct HardSigmoid {
  static constexpr std::string_view kName = "HardSigmoid";
  float alpha = 0.2f;
  float beta = 0.5f;
  static constexpr auto fields() {
    return std::tuple{ir::field("alpha", &HardSigmoid::alpha),
                      ir::field("beta", &HardSigmoid::beta)};
  }
};

// (X) -> Y; since opset 20.
struct Gelu {
  static constexpr std::string_view kName = "Gelu";
  std::string approximate = "none";
  static constexpr auto fields() {
    return std::tuple{ir::field("approximate", &Gelu::approximate)};
  }
};

// (X) -> Y; since opset 22.
struct ThresholdedRelu {
  static constexpr std::string_view kName = "ThresholdedRelu";
  float alpha = 1.0f;
  static constexpr auto fields() { return std::tuple{ir::field("alpha", &ThresholdedRelu::alpha)}; }
};

// (X) -> Y; since opset 24.
struct Swish {
  static constexpr std::string_view kName = "Swish";
  float alpha = 1.0f;
  static constexpr auto fields() { return std::tuple{ir::field("alpha", &Swish::alpha)}; }
};

// (X, slope) -> Y; since opset 16.
struct PRelu {
  static constexpr std::string_view kName = "PRelu";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
