// Attributes of Loop, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (M?, cond?, v_initial...) -> v_final_and_scan_outputs...; since opset 25.
struct Loop {
  static constexpr std::string_view kName = "Loop";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
