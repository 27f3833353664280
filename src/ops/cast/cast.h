// Attributes of Cast, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input) -> output; since opset 28.
struct Cast {
  static constexpr std::string_view kName = "Cast";
  std::string round_mode = "up";
  bool saturate = true;
  int64_t to = {};
  static constexpr auto fields() {
    return std::tuple{ir::field("round_mode", &Cast::round_mode),
                      ir::field("saturate", &Cast::saturate), ir::field("to", &Cast::to)};
  }
};

}  // namespace tenon::ops
