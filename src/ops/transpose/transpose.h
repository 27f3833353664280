// Attributes of Transpose, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (data) -> transposed; since opset 25.
struct Transpose {
  static constexpr std::string_view kName = "Transpose";
  std::optional<std::vector<int64_t>> perm;
  static constexpr auto fields() { return std::tuple{ir::field("perm", &Transpose::perm)}; }
};

}  // namespace tenon::ops
