// Attributes of OrthogonalPolynomial, an operator of Tenon's own.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, N) -> Y, broadcast: the polynomial of degree N (truncated to an integer; 0 below 0) at X. The
// family is PyTorch's name: chebyshev_t, _u, _v, _w; shifted_chebyshev_t, _u, _v, _w; hermite_h,
// hermite_he; laguerre_l; legendre_p.
struct OrthogonalPolynomial {
  static constexpr std::string_view kName = "OrthogonalPolynomial";
  static constexpr std::string_view kDomain = "tenon";
  std::string family = {};
  static constexpr auto fields() {
    return std::tuple{ir::field("family", &OrthogonalPolynomial::family)};
  }
};

}  // namespace tenon::ops
