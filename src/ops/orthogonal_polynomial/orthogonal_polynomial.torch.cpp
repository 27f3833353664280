#include "ops/orthogonal_polynomial/orthogonal_polynomial.h"

#include <cmath>

#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace orthogonal_polynomial_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

// "aten::special_hermite_polynomial_he" is of the family hermite_he.
std::string family_of(std::string_view name) {
  std::string out(name.substr(std::string_view("aten::special_").size()));
  const std::string_view middle = "_polynomial";
  out.erase(out.find(middle), middle.size());
  return out;
}

// A known degree up to this one is written out; Hermite's grow beyond what halves hold before it.
constexpr int64_t kWrittenOut = 6;

// The recurrence, for a known degree.
Expr written_out(const std::string& family, const Expr& given, int64_t n) {
  const Expr x = family.starts_with("shifted_") ? given + given - 1 : given;
  const Expr twice = x + x;
  const bool chebyshev = family.find("chebyshev") != std::string::npos;
  const char kind = family.back();
  Expr before = x * 0 + 1, now = x;
  if (chebyshev && kind == 'u') now = twice;
  if (chebyshev && kind == 'v') now = twice - 1;
  if (chebyshev && kind == 'w') now = twice + 1;
  if (family == "hermite_h") now = twice;
  if (family == "laguerre_l") now = 1 - x;
  if (n == 0) return before;
  for (int k = 1; k < n; ++k) {
    Expr next;
    if (chebyshev)
      next = twice * now - before;
    else if (family == "hermite_h")
      next = twice * now - before * (2 * k);
    else if (family == "hermite_he")
      next = x * now - before * k;
    else if (family == "laguerre_l")
      next = ((1 - x + 2 * k) * now - before * k) / (k + 1);
    else
      next = (x * (2 * k + 1) * now - before * k) / (k + 1);
    before = now;
    now = next;
  }
  return now;
}

V* polynomial(LowerContext& c) {
  const std::string family = family_of(c.schema().name);
  const DType type = LowerContext::floating(c.promoted({"x", "n"}));
  if (type != DType::f32 && type != DType::f64)
    return c.refuse("polynomials are of single or double precision numbers");
  V* x = c.operand("x", type);
  if (c.is_number("n")) {
    const double degree = std::trunc(c.number("n"));
    if (degree < 0) return lower::filled(c, lower::sizes(c, x), 0, type);
    if (degree == 0) return lower::filled(c, lower::sizes(c, x), 1, type);
    if (degree <= kWrittenOut)
      return written_out(family, Expr(c, x), static_cast<int64_t>(degree)).result();
  }
  return c.b.emit(OrthogonalPolynomial{.family = family}, {x, c.operand("n", type)});
}

}  // namespace orthogonal_polynomial_lowering

std::span<const torch::Lowering> orthogonal_polynomial_torch() {
  using orthogonal_polynomial_lowering::polynomial;
  static constexpr torch::Lowering kAll[] = {
      {"aten::special_chebyshev_polynomial_t.*", polynomial},
      {"aten::special_chebyshev_polynomial_u.*", polynomial},
      {"aten::special_chebyshev_polynomial_v.*", polynomial},
      {"aten::special_chebyshev_polynomial_w.*", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_t.*", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_u.*", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_v.*", polynomial},
      {"aten::special_shifted_chebyshev_polynomial_w.*", polynomial},
      {"aten::special_hermite_polynomial_h.*", polynomial},
      {"aten::special_hermite_polynomial_he.*", polynomial},
      {"aten::special_laguerre_polynomial_l.*", polynomial},
      {"aten::special_legendre_polynomial_p.*", polynomial},
  };
  return kAll;
}

}  // namespace tenon::ops
