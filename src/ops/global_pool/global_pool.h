// Attributes of GlobalAveragePool, GlobalMaxPool, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y; since opset 22.
struct GlobalAveragePool {
  static constexpr std::string_view kName = "GlobalAveragePool";
  static constexpr auto fields() { return std::tuple{}; }
};

// (X) -> Y; since opset 22.
struct GlobalMaxPool {
  static constexpr std::string_view kName = "GlobalMaxPool";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
