// Attributes of RMSNormalization, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, scale) -> Y; since opset 23.
struct RMSNormalization {
  static constexpr std::string_view kName = "RMSNormalization";
  int64_t axis = -1;
  float epsilon = 9.9999997e-06f;
  int64_t stash_type = 1;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &RMSNormalization::axis),
                      ir::field("epsilon", &RMSNormalization::epsilon),
                      ir::field("stash_type", &RMSNormalization::stash_type)};
  }
};

}  // namespace tenon::ops
