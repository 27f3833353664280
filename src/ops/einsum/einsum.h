// Attributes of Einsum, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (Inputs...) -> Output; since opset 28.
struct Einsum {
  static constexpr std::string_view kName = "Einsum";
  std::string equation = {};
  static constexpr auto fields() { return std::tuple{ir::field("equation", &Einsum::equation)}; }
};

}  // namespace tenon::ops
