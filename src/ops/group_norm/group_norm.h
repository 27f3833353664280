// Attributes of GroupNormalization, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, scale, bias) -> Y; since opset 21.
struct GroupNormalization {
  static constexpr std::string_view kName = "GroupNormalization";
  float epsilon = 9.9999997e-06f;
  int64_t num_groups = {};
  int64_t stash_type = 1;
  static constexpr auto fields() {
    return std::tuple{ir::field("epsilon", &GroupNormalization::epsilon),
                      ir::field("num_groups", &GroupNormalization::num_groups),
                      ir::field("stash_type", &GroupNormalization::stash_type)};
  }
};

}  // namespace tenon::ops
