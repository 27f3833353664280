// Attributes of QR and HouseholderProduct, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., m, n]) -> (packed [.., m, n], tau [.., k]), k = min(m, n). As LAPACK's geqrf: R in the
// upper triangle, below it the reflectors 1 - tau v v^T whose product is Q, v without its leading 1.
struct QR {
  static constexpr std::string_view kName = "QR";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

// (packed [.., m, n], tau [.., k]) -> q [.., m, n]: the first n columns of the product of the k
// reflectors. As LAPACK's orgqr; k <= n <= m.
struct HouseholderProduct {
  static constexpr std::string_view kName = "HouseholderProduct";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
