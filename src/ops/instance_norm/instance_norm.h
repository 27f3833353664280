// Attributes of InstanceNormalization, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, scale, B) -> output; since opset 22.
struct InstanceNormalization {
  static constexpr std::string_view kName = "InstanceNormalization";
  float epsilon = 9.9999997e-06f;
  static constexpr auto fields() {
    return std::tuple{ir::field("epsilon", &InstanceNormalization::epsilon)};
  }
};

}  // namespace tenon::ops
