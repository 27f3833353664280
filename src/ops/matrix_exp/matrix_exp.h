// Attributes of MatrixExp, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., n, n]) -> exp(a) [.., n, n], the sum of a^k / k!.
struct MatrixExp {
  static constexpr std::string_view kName = "MatrixExp";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
