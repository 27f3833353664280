// Attributes of Range, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (start, limit, delta) -> output; since opset 27.
struct Range {
  static constexpr std::string_view kName = "Range";
  int64_t stash_type = 1;
  static constexpr auto fields() { return std::tuple{ir::field("stash_type", &Range::stash_type)}; }
};

}  // namespace tenon::ops
