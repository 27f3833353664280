// Attributes of CumSum, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (x, axis) -> y; since opset 14.
struct CumSum {
  static constexpr std::string_view kName = "CumSum";
  bool exclusive = false;
  bool reverse = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("exclusive", &CumSum::exclusive),
                      ir::field("reverse", &CumSum::reverse)};
  }
};

}  // namespace tenon::ops
