// Attributes of Softmax, LogSoftmax, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input) -> output; since opset 13.
struct Softmax {
  static constexpr std::string_view kName = "Softmax";
  int64_t axis = -1;
  static constexpr auto fields() { return std::tuple{ir::field("axis", &Softmax::axis)}; }
};

// (input) -> output; since opset 13.
struct LogSoftmax {
  static constexpr std::string_view kName = "LogSoftmax";
  int64_t axis = -1;
  static constexpr auto fields() { return std::tuple{ir::field("axis", &LogSoftmax::axis)}; }
};

}  // namespace tenon::ops
