// Attributes of Cholesky, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., n, n]) -> (l [.., n, n], info i32 [..]): a = l l^T of the matrix whose lower triangle is
// given; the other is not read. info is the number of the first leading minor that is not positive,
// or 0; what l holds then is not defined. With `check` such a matrix ends the run, as in PyTorch.
struct Cholesky {
  static constexpr std::string_view kName = "Cholesky";
  static constexpr std::string_view kDomain = "tenon";
  bool check = false;
  static constexpr auto fields() { return std::tuple{ir::field("check", &Cholesky::check)}; }
};

}  // namespace tenon::ops
