// Attributes of LDL and LDLSolve, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., n, n]) -> (ld [.., n, n], pivots i32 [.., n], info i32 [..]): a = l d l^T of the symmetric
// matrix whose lower triangle is given, d of blocks 1 x 1 and 2 x 2. As LAPACK's sytrf: l without
// its ones and d share the lower triangle; a positive pivot p at k says that rows k and p - 1 were
// swapped, two equal negative ones at k and k + 1 that a block of 2 x 2 begins and that rows k + 1
// and -p - 1 were. info is the number of the first column that is zero, or 0.
struct LDL {
  static constexpr std::string_view kName = "LDL";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

// (ld [.., n, n], pivots i32 [.., n], b [.., n, r]) -> x [.., n, r]: a x = b with LDL's results.
struct LDLSolve {
  static constexpr std::string_view kName = "LDLSolve";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
