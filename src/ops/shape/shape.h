// Attributes of Shape, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data) -> shape; since opset 25.
struct Shape {
  static constexpr std::string_view kName = "Shape";
  std::optional<int64_t> end;
  int64_t start = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("end", &Shape::end), ir::field("start", &Shape::start)};
  }
};

}  // namespace tenon::ops
