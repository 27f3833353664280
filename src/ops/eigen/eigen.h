// Attributes of Eigh and Eig, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., n, n]) -> (values [.., n], vectors [.., n, n]) of the symmetric matrix whose lower
// triangle is given; the other is not read. Values go from small to large; vectors are columns,
// their signs are not defined.
struct Eigh {
  static constexpr std::string_view kName = "Eigh";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

// (a [.., n, n]) -> (values [.., n, 2], vectors [.., n, n, 2]) of any matrix: complex numbers, their
// parts along the last axis. Vectors are columns of length 1 whose largest element is real.
struct Eig {
  static constexpr std::string_view kName = "Eig";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
