// Attributes of ArgMax, ArgMin, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data) -> reduced; since opset 13.
struct ArgMax {
  static constexpr std::string_view kName = "ArgMax";
  int64_t axis = 0;
  bool keepdims = true;
  bool select_last_index = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &ArgMax::axis), ir::field("keepdims", &ArgMax::keepdims),
                      ir::field("select_last_index", &ArgMax::select_last_index)};
  }
};

// (data) -> reduced; since opset 13.
struct ArgMin {
  static constexpr std::string_view kName = "ArgMin";
  int64_t axis = 0;
  bool keepdims = true;
  bool select_last_index = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &ArgMin::axis), ir::field("keepdims", &ArgMin::keepdims),
                      ir::field("select_last_index", &ArgMin::select_last_index)};
  }
};

}  // namespace tenon::ops
