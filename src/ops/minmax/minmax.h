// Attributes of Min, Max, Sum, Mean, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data_0...) -> min; since opset 13.
struct Min {
  static constexpr std::string_view kName = "Min";
  static constexpr auto fields() { return std::tuple{}; }
};

// (data_0...) -> max; since opset 13.
struct Max {
  static constexpr std::string_view kName = "Max";
  static constexpr auto fields() { return std::tuple{}; }
};

// (data_0...) -> sum; since opset 13.
struct Sum {
  static constexpr std::string_view kName = "Sum";
  static constexpr auto fields() { return std::tuple{}; }
};

// (data_0...) -> mean; since opset 13.
struct Mean {
  static constexpr std::string_view kName = "Mean";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
