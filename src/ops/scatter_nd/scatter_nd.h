// Attributes of ScatterND, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, indices, updates) -> output; since opset 18.
struct ScatterND {
  static constexpr std::string_view kName = "ScatterND";
  std::string reduction = "none";
  static constexpr auto fields() {
    return std::tuple{ir::field("reduction", &ScatterND::reduction)};
  }
};

}  // namespace tenon::ops
