// Attributes of Solve, TriangularSolve and LeastSquares, which ONNX does not have.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (a [.., n, n], b [.., n, r]) -> (x [.., n, r], info i32 [..]): a x = b by elimination with
// partial pivoting. info is the number of the first pivot that is zero, or 0. With `check` such a
// matrix ends the run, as in PyTorch.
struct Solve {
  static constexpr std::string_view kName = "Solve";
  static constexpr std::string_view kDomain = "tenon";
  bool check = false;
  static constexpr auto fields() { return std::tuple{ir::field("check", &Solve::check)}; }
};

// (a [.., n, n], b [.., n, r]) -> x [.., n, r]: a x = b, where only one triangle of a is read; with
// `unit` its diagonal is taken as ones.
struct TriangularSolve {
  static constexpr std::string_view kName = "TriangularSolve";
  static constexpr std::string_view kDomain = "tenon";
  bool unit = false;
  bool upper = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("unit", &TriangularSolve::unit),
                      ir::field("upper", &TriangularSolve::upper)};
  }
};

// (a [.., m, n], b [.., m, r]) -> (x [.., n, r], residuals [.., r], rank i64 [..],
// singular_values [.., min(m, n)]): the x of least |a x - b|, and of those of least norm. `driver`
// is LAPACK's: gels, gelsy, gelss or gelsd. Only the last two find singular values (zeros
// otherwise). Columns below `rcond` of the largest do not count; gels takes a full rank for granted.
struct LeastSquares {
  static constexpr std::string_view kName = "LeastSquares";
  static constexpr std::string_view kDomain = "tenon";
  std::string driver = "gelsy";
  double rcond = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("driver", &LeastSquares::driver),
                      ir::field("rcond", &LeastSquares::rcond)};
  }
};

}  // namespace tenon::ops
