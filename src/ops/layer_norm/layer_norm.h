// Attributes of LayerNormalization, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, Scale, B?) -> Y, Mean?, InvStdDev?; since opset 17.
struct LayerNormalization {
  static constexpr std::string_view kName = "LayerNormalization";
  int64_t axis = -1;
  float epsilon = 9.9999997e-06f;
  int64_t stash_type = 1;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &LayerNormalization::axis),
                      ir::field("epsilon", &LayerNormalization::epsilon),
                      ir::field("stash_type", &LayerNormalization::stash_type)};
  }
};

}  // namespace tenon::ops
