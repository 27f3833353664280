// Attributes of Unique, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> (Y, indices, inverse_indices, counts); since opset 11.
struct Unique {
  static constexpr std::string_view kName = "Unique";
  std::optional<int64_t> axis;  // none: of the flattened tensor
  bool sorted = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &Unique::axis), ir::field("sorted", &Unique::sorted)};
  }
};

}  // namespace tenon::ops
