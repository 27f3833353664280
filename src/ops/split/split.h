// Attributes of Split, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, split?) -> outputs...; since opset 18.
struct Split {
  static constexpr std::string_view kName = "Split";
  int64_t axis = 0;
  std::optional<int64_t> num_outputs;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &Split::axis),
                      ir::field("num_outputs", &Split::num_outputs)};
  }
};

}  // namespace tenon::ops
