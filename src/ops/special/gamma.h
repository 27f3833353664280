// Special functions of two numbers: series whose length depends on the numbers.
#pragma once

#include "ops/special/formulas.h"

namespace tenon::ops::special {

// Hurwitz's zeta function, the sum of (q + k)^-s over k >= 0: terms up to q + k > 9, then Euler and
// Maclaurin's formula (Cephes).
inline double zeta(double s, double q) {
  static constexpr double kDivisors[] = {12.0,
                                         -720.0,
                                         30240.0,
                                         -1209600.0,
                                         47900160.0,
                                         -1.8924375803183791606e9,
                                         7.47242496e10,
                                         -2.950130727918164224e12,
                                         1.1646782814350067249e14,
                                         -4.5979787224074726105e15,
                                         1.8152105401943546773e17,
                                         -7.1661652561756670113e18};
  constexpr double kNegligible = 1.11022302462515654042e-16;
  if (s == 1) return kInfinity;
  if (!(s > 1)) return kNan;
  if (q <= 0) {
    if (q == std::floor(q)) return kInfinity;
    if (s != std::floor(s)) return kNan;
  }
  // So far below 0 nothing that is representable comes of the terms that are left out.
  constexpr double kMostTerms = 1 << 20;
  if (!(q > -kMostTerms)) return kNan;
  double sum = std::pow(q, -s), at = q, term = 0;
  for (int i = 0; i < 9 || at <= 9; ++i) {
    at += 1;
    term = std::pow(at, -s);
    sum += term;
    if (std::abs(term) < kNegligible * std::abs(sum)) return sum;
  }
  sum += term * at / (s - 1) - 0.5 * term;
  double factor = 1, k = 0, power = term;
  for (const double divisor : kDivisors) {
    factor *= s + k;
    power /= at;
    const double more = factor * power / divisor;
    sum += more;
    if (std::abs(more) < kNegligible * std::abs(sum)) return sum;
    factor *= s + k + 1;
    power /= at;
    k += 2;
  }
  return sum;
}

// --- the regularised incomplete gamma functions (DLMF chapter 8)

// log1p(x) - x.
inline double log1p_less(double x) {
  if (std::abs(x) > 0.5) return std::log1p(x) - x;
  double sum = 0, power = x;  // -x^2 / 2 + x^3 / 3 - ...
  for (int k = 2; k < 80 && std::abs(power) > 1e-19; ++k) {
    power *= -x;
    sum += power / k;
  }
  return sum;
}

// x^a exp(-x) / gamma(a + 1); for large a by Stirling's series, which keeps its digits.
inline double gamma_density(double a, double x) {
  if (a < 20) return std::exp(a * std::log(x) - x - std::lgamma(a + 1));
  const double z = 1 / (a * a);
  const double stirling = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / a;
  return std::exp(a * log1p_less((x - a) / a) - stirling) / std::sqrt(2 * kPi * a);
}

// Series 8.11.4 for the lower function.
inline double lower_series(double a, double x) {
  double sum = 1, term = 1;
  for (double k = 1; k < 100000; ++k) {
    term *= x / (a + k);
    sum += term;
    if (term <= 1e-17 * sum) break;
  }
  return sum * gamma_density(a, x);
}

// Continued fraction 8.9.2 for the upper function, by Lentz's method.
inline double upper_fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, value = d;
  for (double k = 1; k < 100000; ++k) {
    const double numerator = k * (a - k);
    b += 2;
    d = numerator * d + b;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + numerator / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    value *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return value * a * gamma_density(a, x);
}

// Series 8.7.3 for the upper function at small numbers, where 1 - P would lose its digits.
inline double upper_series(double a, double x) {
  double factor = 1, sum = 0;
  for (double k = 1; k < 2000; ++k) {
    factor *= -x / k;
    const double term = factor / (a + k);
    sum += term;
    if (std::abs(term) <= 1e-17 * std::abs(sum)) break;
  }
  const double log_x = std::log(x);
  return -std::expm1(a * log_x - std::lgamma(1 + a)) - std::exp(a * log_x - std::lgamma(a)) * sum;
}

// Temme's uniform expansion 8.12.3 to its first term, for a where series grow long.
inline double upper_asymptotic(double a, double x) {
  const double mu = (x - a) / a;
  const double half = -log1p_less(mu);  // eta^2 / 2
  const double eta = (mu < 0 ? -1 : 1) * std::sqrt(2 * half);
  const double first = std::abs(eta) < 1e-3 ? -1.0 / 3 + eta / 12 : 1 / mu - 1 / eta;
  return 0.5 * std::erfc(eta * std::sqrt(a / 2)) +
         std::exp(-a * half) / std::sqrt(2 * kPi * a) * first;
}

constexpr double kLargeShape = 1e6;

// Of numbers inside the functions' domain.
inline double upper_gamma(double a, double x) {
  if (a > kLargeShape) return upper_asymptotic(a, x);
  if (x > 1.1) return x < a ? 1 - lower_series(a, x) : upper_fraction(a, x);
  const bool lower_is_small = x <= 0.5 ? -0.4 / std::log(x) < a : x * 1.1 < a;
  return lower_is_small ? 1 - lower_series(a, x) : upper_series(a, x);
}
inline double lower_gamma(double a, double x) {
  if (a > kLargeShape || (x > 1 && x > a)) return 1 - upper_gamma(a, x);
  return lower_series(a, x);
}

// The values at the edges are PyTorch's (and SciPy's).
inline double igammac(double a, double x) {
  if (std::isnan(a) || std::isnan(x) || a < 0 || x < 0) return kNan;
  if (a == 0) return x > 0 ? 0 : kNan;
  if (x == 0) return 1;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 1;
  return std::isinf(x) ? 0 : upper_gamma(a, x);
}
inline double igamma(double a, double x) {
  if (std::isnan(a) || std::isnan(x) || a < 0 || x < 0) return kNan;
  if (a == 0) return x > 0 ? 1 : kNan;
  if (x == 0) return 0;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 0;
  return std::isinf(x) ? 1 : lower_gamma(a, x);
}

}  // namespace tenon::ops::special
