// Attributes of SVD, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., m, n]) -> (u [.., m, k], s [.., k], vh [.., k, n]), k = min(m, n): a = u diag(s) vh, s
// from large to small. With `full` u is [.., m, m] and vh [.., n, n]. The signs of the singular
// vectors, and bases where singular values are equal, are not defined.
struct SVD {
  static constexpr std::string_view kName = "SVD";
  static constexpr std::string_view kDomain = "tenon";
  bool full = false;
  static constexpr auto fields() { return std::tuple{ir::field("full", &SVD::full)}; }
};

}  // namespace tenon::ops
