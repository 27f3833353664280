// Attributes of Special, an operator of Tenon's own.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y or (A, B) -> Y, broadcast: a special function of each element. Its name is PyTorch's:
//   of one number   lgamma, digamma, trigamma, erfinv, erfcx, ndtr, log_ndtr, ndtri, airy_ai,
//                   i0, i0e, i1, i1e, k0, k0e, k1, k1e, j0, j1, y0, y1, spherical_j0
//   of two          zeta (Hurwitz's, exponent first), igamma, igammac (regularised, shape first)
struct Special {
  static constexpr std::string_view kName = "Special";
  static constexpr std::string_view kDomain = "tenon";
  std::string function = {};
  static constexpr auto fields() { return std::tuple{ir::field("function", &Special::function)}; }
};

}  // namespace tenon::ops
