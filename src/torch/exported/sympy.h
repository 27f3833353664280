// Symbolic numbers as exported programs write them: SymPy's srepr, such as
// "Add(Symbol('s53', positive=True, integer=True), Integer(-2))"; before schema 8 SymPy's str,
// "2*s0 - 2" or "((s0 + 1)//2)".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ir/dim.h"

namespace tenon::torch::exported {

struct SymExpr {
  enum class Kind : uint8_t { integer, rational, real, boolean, infinity, symbol, call };
  Kind kind = Kind::integer;
  std::string name;  // of a symbol, or the function of a call: "Add", "FloorDiv", "StrictLessThan"
  int64_t integer = 0;      // also a rational's numerator, a boolean, the sign of an infinity
  int64_t denominator = 1;  // of a rational
  double real = 0;
  std::vector<SymExpr> args = {};

  std::string str() const;  // "(s53 + -2)"
};

// Nesting is limited; what is wrong stands in the error's `why`.
Result<SymExpr> parse_sympy(std::string_view text);

// The integer that the expression stands for. Fails for what has no Dim: relations, reals,
// functions other than sums, products, powers, divisions, modulo, min and max.
Result<ir::Dim> to_dim(const SymExpr& expr);

}  // namespace tenon::torch::exported
