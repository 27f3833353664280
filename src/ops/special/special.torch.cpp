#include "ops/special/special.h"

#include <numbers>

#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace special_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

V* of(LowerContext& c, const char* function, V* x) {
  return c.b.emit(Special{.function = function}, {lower::floating(c, x)});
}

constexpr char kLgamma[] = "lgamma", kDigamma[] = "digamma", kErfinv[] = "erfinv",
               kErfcx[] = "erfcx", kNdtr[] = "ndtr", kLogNdtr[] = "log_ndtr", kNdtri[] = "ndtri",
               kAiry[] = "airy_ai", kI0[] = "i0", kI0e[] = "i0e", kI1[] = "i1", kI1e[] = "i1e",
               kK0[] = "k0", kK0e[] = "k0e", kK1[] = "k1", kK1e[] = "k1e", kJ0[] = "j0",
               kJ1[] = "j1", kY0[] = "y0", kY1[] = "y1", kSphericalJ0[] = "spherical_j0",
               kZeta[] = "zeta", kGamma[] = "igamma", kUpperGamma[] = "igammac";

template <const char* function>
V* of_one(LowerContext& c) {
  return of(c, function, c.tensor(c.has("x") ? "x" : "self"));
}

template <const char* function>
V* of_two(LowerContext& c) {
  const DType type = LowerContext::floating(c.promoted({"self", "other"}));
  return c.b.emit(Special{.function = function},
                  {c.operand("self", type), c.operand("other", type)});
}

// The derivatives of digamma: (-1)^(n + 1) n! zeta(n + 1, x).
V* polygamma(LowerContext& c) {
  const int64_t n = c.constant("n");
  V* x = lower::floating(c, c.tensor("self"));
  if (n < 0) return c.refuse("there is no polygamma function of a negative order");
  if (n < 2) return of(c, n == 0 ? "digamma" : "trigamma", x);
  const double order = static_cast<double>(n);
  V* zeta = c.b.emit(Special{.function = "zeta"}, {lower::like(c, x, order + 1), x});
  const double factorial = std::exp(std::lgamma(order + 1));
  return lower::mul(c, zeta, lower::like(c, x, n % 2 == 1 ? factorial : -factorial));
}

// log of the multivariate gamma function: the sum of log gamma(x - j / 2) for j < p.
V* multivariate_lgamma(LowerContext& c) {
  const int64_t p = c.constant("p");
  V* x = lower::floating(c, c.tensor("self"));
  if (p < 1 || p > 1024) return c.refuse("the dimension is out of range");
  std::vector<double> steps;
  for (int64_t j = 0; j < p; ++j) steps.push_back(static_cast<double>(-j) / 2);
  const auto rank = static_cast<int64_t>(lower::rank(c, x));
  V* all =
      lower::add(c, lower::unsqueeze(c, x, {rank}), lower::float_table(c, steps, {p}, x->dtype()));
  V* sum = lower::reduce(c, "ReduceSum", of(c, "lgamma", all), {rank}, false);
  const double constant = static_cast<double>(p * (p - 1)) / 4 * std::log(std::numbers::pi);
  return lower::add(c, sum, lower::like(c, x, constant));
}

// -x log x, 0 at 0 and minus infinity below.
V* entr(LowerContext& c) {
  const Expr x(c, lower::floating(c, c.tensor("self")));
  const Expr zero(c, lower::like(c, x.result(), 0)),
      never(c, lower::like(c, x.result(), -HUGE_VAL));
  const Expr inside = (x > 0).where(-x * x.call("log"), equal(x, 0).where(zero, never));
  return x.call("isnan").where(x, inside).result();
}

}  // namespace special_lowering

std::span<const torch::Lowering> special_torch() {
  using namespace special_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::lgamma", of_one<kLgamma>},
      {"aten::special_gammaln", of_one<kLgamma>},
      {"aten::digamma", of_one<kDigamma>},
      {"aten::special_digamma", of_one<kDigamma>},
      {"aten::special_psi", of_one<kDigamma>},
      {"aten::polygamma", polygamma},
      {"aten::special_polygamma", polygamma},
      {"aten::mvlgamma", multivariate_lgamma},
      {"aten::special_multigammaln", multivariate_lgamma},
      {"aten::erfinv", of_one<kErfinv>},
      {"aten::special_erfinv", of_one<kErfinv>},
      {"aten::special_erfcx", of_one<kErfcx>},
      {"aten::special_ndtr", of_one<kNdtr>},
      {"aten::special_log_ndtr", of_one<kLogNdtr>},
      {"aten::special_ndtri", of_one<kNdtri>},
      {"aten::special_entr", entr},
      {"aten::special_airy_ai", of_one<kAiry>},
      {"aten::i0", of_one<kI0>},
      {"aten::special_i0", of_one<kI0>},
      {"aten::special_i0e", of_one<kI0e>},
      {"aten::special_i1", of_one<kI1>},
      {"aten::special_i1e", of_one<kI1e>},
      {"aten::special_modified_bessel_i0", of_one<kI0>},
      {"aten::special_modified_bessel_i1", of_one<kI1>},
      {"aten::special_modified_bessel_k0", of_one<kK0>},
      {"aten::special_modified_bessel_k1", of_one<kK1>},
      {"aten::special_scaled_modified_bessel_k0", of_one<kK0e>},
      {"aten::special_scaled_modified_bessel_k1", of_one<kK1e>},
      {"aten::special_bessel_j0", of_one<kJ0>},
      {"aten::special_bessel_j1", of_one<kJ1>},
      {"aten::special_bessel_y0", of_one<kY0>},
      {"aten::special_bessel_y1", of_one<kY1>},
      {"aten::special_spherical_bessel_j0", of_one<kSphericalJ0>},
      {"aten::special_zeta", of_two<kZeta>},
      {"aten::special_zeta.other_scalar", of_two<kZeta>},
      {"aten::special_zeta.self_scalar", of_two<kZeta>},
      {"aten::igamma", of_two<kGamma>},
      {"aten::special_gammainc", of_two<kGamma>},
      {"aten::igammac", of_two<kUpperGamma>},
      {"aten::special_gammaincc", of_two<kUpperGamma>},
  };
  return kAll;
}

}  // namespace tenon::ops
