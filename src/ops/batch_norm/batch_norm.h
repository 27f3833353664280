// Attributes of BatchNormalization, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, scale, B, input_mean, input_var) -> Y, running_mean?, running_var?; since opset 15.
struct BatchNormalization {
  static constexpr std::string_view kName = "BatchNormalization";
  float epsilon = 9.9999997e-06f;
  float momentum = 0.89999998f;
  bool training_mode = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("epsilon", &BatchNormalization::epsilon),
                      ir::field("momentum", &BatchNormalization::momentum),
                      ir::field("training_mode", &BatchNormalization::training_mode)};
  }
};

}  // namespace tenon::ops
