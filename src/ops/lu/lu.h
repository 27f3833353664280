// Attributes of LU and PivotsToPermutation, which ONNX does not have.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., m, n]) -> (lu [.., m, n], pivots i32 [.., k], info i32 [..]), k = min(m, n). As LAPACK's
// getrf: rows are swapped for the largest pivot, L without its ones and U share a matrix, row i was
// swapped with row pivots[i] - 1, info is the number of the first pivot that is zero, or 0.
struct LU {
  static constexpr std::string_view kName = "LU";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

// (pivots i32 [.., k], rows i64) -> permutation i64 [.., rows]: the swaps of LU applied to 0, 1, ..
struct PivotsToPermutation {
  static constexpr std::string_view kName = "PivotsToPermutation";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
