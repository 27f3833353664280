// Attributes of GatherND, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, indices) -> output; since opset 13.
struct GatherND {
  static constexpr std::string_view kName = "GatherND";
  int64_t batch_dims = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("batch_dims", &GatherND::batch_dims)};
  }
};

}  // namespace tenon::ops
