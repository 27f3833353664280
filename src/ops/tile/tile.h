// Attributes of Tile, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, repeats) -> output; since opset 13.
struct Tile {
  static constexpr std::string_view kName = "Tile";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
