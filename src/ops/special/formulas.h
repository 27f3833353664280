// The special functions of one number as formulas, for any kind of number N: the reference kernel
// evaluates them in double precision, the ONNX writer emits the same formulas as nodes.
//
// A kind of number has + - * / with its kind and with doubles, and the functions named below for
// double. Both sides of a choice are evaluated, so the side that is not taken may be no number.
// Where a formula has no other source, it is Cephes' (coefficients.h), as in PyTorch.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "ops/special/coefficients.h"

namespace tenon::ops::special {

// --- what formulas are made of, for double
inline bool less(double a, double b) { return a < b; }
inline bool equal(double a, double b) { return a == b; }
inline bool both(bool a, bool b) { return a && b; }
inline double choose(bool condition, double yes, double no) { return condition ? yes : no; }
inline double like(double /*x*/, double value) { return value; }
inline double precision(double /*x*/) { return 0; }  // terms below it do not count
using std::abs, std::cos, std::erf, std::exp, std::floor, std::lgamma, std::log, std::log1p,
    std::sin, std::sqrt;

using Coefficients = std::span<const double>;

template <class N>
N polynomial(const N& x, Coefficients c) {
  N sum = x * c[0] + c[1];
  for (const double term : c.subspan(2)) sum = sum * x + term;
  return sum;
}
template <class N>
N ratio(const N& x, Coefficients top, Coefficients bottom) {
  return polynomial(x, top) / polynomial(x, bottom);
}

// The Chebyshev series at x / 2 by Clenshaw's recurrence. The constant term counts half.
template <class N>
N chebyshev(const N& x, Coefficients c) {
  while (c.size() > 3 && std::abs(c[0]) < precision(x) * std::abs(c.back())) c = c.subspan(1);
  N before = like(x, c[0]), now = x * c[0] + c[1];
  for (size_t i = 2; i + 1 < c.size(); ++i) {
    const N next = x * now - before + c[i];
    before = now;
    now = next;
  }
  // 0.5 (b0 - b2) with b0 = x b1 - b2 + c
  return (x * now + c.back()) * 0.5 - before;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <class N>
N odd(const N& x, const N& of_size) {
  return choose(less(x, 0.0), of_size * -1.0, of_size);
}

// --- modified Bessel functions of the first kind, and exp(-|x|) times them

template <class N>
N i0e(const N& x) {
  const N a = abs(x);
  return choose(less(8.0, a), chebyshev(32.0 / a - 2.0, kI0Large) / sqrt(a),
                chebyshev(a * 0.5 - 2.0, kI0Small));
}
template <class N>
N i0(const N& x) {
  const N a = abs(x);
  return choose(less(8.0, a), exp(a) * chebyshev(32.0 / a - 2.0, kI0Large) / sqrt(a),
                exp(a) * chebyshev(a * 0.5 - 2.0, kI0Small));
}
template <class N>
N i1e(const N& x) {
  const N a = abs(x);
  return odd(x, choose(less(8.0, a), chebyshev(32.0 / a - 2.0, kI1Large) / sqrt(a),
                       chebyshev(a * 0.5 - 2.0, kI1Small) * a));
}
template <class N>
N i1(const N& x) {
  const N a = abs(x);
  return odd(x, choose(less(8.0, a), exp(a) * chebyshev(32.0 / a - 2.0, kI1Large) / sqrt(a),
                       exp(a) * a * chebyshev(a * 0.5 - 2.0, kI1Small)));
}

// --- and of the second kind, and exp(x) times them

template <class N>
N k0_small(const N& x) {
  return chebyshev(x * x - 2.0, kK0Small) - log(x * 0.5) * i0(x);
}
template <class N>
N k0_large(const N& x) {
  return chebyshev(8.0 / x - 2.0, kK0Large) / sqrt(x);
}
template <class N>
N k0(const N& x) {
  return choose(less(2.0, x), exp(x * -1.0) * k0_large(x), k0_small(x));
}
template <class N>
N k0e(const N& x) {
  return choose(less(2.0, x), k0_large(x), k0_small(x) * exp(x));
}
template <class N>
N k1_small(const N& x) {
  const N value = log(x * 0.5) * i1(x) + chebyshev(x * x - 2.0, kK1Small) / x;
  return choose(equal(x, 0.0), like(x, kInfinity), value);
}
template <class N>
N k1_large(const N& x) {
  return chebyshev(8.0 / x - 2.0, kK1Large) / sqrt(x);
}
template <class N>
N k1(const N& x) {
  return choose(less(2.0, x), exp(x * -1.0) * k1_large(x), k1_small(x));
}
template <class N>
N k1e(const N& x) {
  return choose(less(2.0, x), k1_large(x), k1_small(x) * exp(x));
}

// --- Bessel functions: amplitudes above 5, where they swing; below without their first zeros

constexpr double kRootOfTwoOverPi = 0.797884560802865355879892119868763737;

// (p cos(x - phase) - q sin(x - phase)) and its like, over the square root of x.
struct Swing {
  Coefficients cosine_top, cosine_bottom, sine_top, sine_bottom;
  double phase;
};
constexpr double kPi = std::numbers::pi;
inline constexpr double kPhase0 = kPi / 4, kPhase1 = 3 * kPi / 4;
inline Swing swing0() { return {kCosine0Top, kCosine0Bottom, kSine0Top, kSine0Bottom, kPhase0}; }
inline Swing swing1() { return {kCosine1Top, kCosine1Bottom, kSine1Top, kSine1Bottom, kPhase1}; }
template <class N>
N first_kind_above(const N& x, const Swing& s) {
  const N w = 5.0 / x, z = w * w, at = x - s.phase;
  return (ratio(z, s.cosine_top, s.cosine_bottom) * cos(at) -
          w * ratio(z, s.sine_top, s.sine_bottom) * sin(at)) *
         kRootOfTwoOverPi / sqrt(x);
}
template <class N>
N second_kind_above(const N& x, const Swing& s) {
  const N w = 5.0 / x, z = w * w, at = x - s.phase;
  return (ratio(z, s.cosine_top, s.cosine_bottom) * sin(at) +
          w * ratio(z, s.sine_top, s.sine_bottom) * cos(at)) *
         kRootOfTwoOverPi / sqrt(x);
}

template <class N>
N j0(const N& x) {
  const N a = abs(x), z = a * a;
  return choose(less(5.0, a), first_kind_above(a, swing0()),
                (z - 5.78318596294678452118e+00) * (z - 3.04712623436620863991e+01) *
                    ratio(z, kJ0Top, kJ0Bottom));
}
template <class N>
N j1(const N& x) {
  const N a = abs(x), z = a * a;
  return odd(x, choose(less(5.0, a), first_kind_above(a, swing1()),
                       ratio(z, kJ1Top, kJ1Bottom) * a * (z - 1.46819706421238932572e+01) *
                           (z - 4.92184563216946036703e+01)));
}
template <class N>
N y0(const N& x) {
  return choose(less(5.0, x), second_kind_above(x, swing0()),
                ratio(x * x, kY0Top, kY0Bottom) + log(x) * j0(x) * (2 / kPi));
}
template <class N>
N y1(const N& x) {
  const N below = x * ratio(x * x, kY1Top, kY1Bottom) + (j1(x) * log(x) - 1.0 / x) * (2 / kPi);
  return choose(equal(x, 0.0), like(x, -kInfinity),
                choose(less(5.0, x), second_kind_above(x, swing1()), below));
}

// sin(x) / x, near 0 by its series.
template <class N>
N spherical_j0(const N& x) {
  static constexpr double kSeries[] = {1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040,
                                       1.0 / 120,        -1.0 / 6,        1.0};
  return choose(equal(abs(x), kInfinity), like(x, 0),
                choose(less(abs(x), 0.5), polynomial(x * x, kSeries), sin(x) / x));
}

// --- the Airy function

template <class N>
N airy_ai(const N& x) {
  constexpr double kRootOfPi = 0.564189583547756286948;  // over one
  const N root = sqrt(abs(x)), zeta = abs(x) * root * (2.0 / 3), z = 1.0 / zeta, w = z * z;
  const N fourth = sqrt(root), at = zeta + kPi / 4;
  const N below = (sin(at) * (1.0 + w * ratio(w, kAirySineTop, kAirySineBottom)) -
                   cos(at) * (z * ratio(w, kAiryCosineTop, kAiryCosineBottom))) *
                  kRootOfPi / fourth;
  const N above =
      ratio(z, kAiryAboveTop, kAiryAboveBottom) * kRootOfPi / (fourth * exp(zeta) * 2.0);
  const N cube = x * x * x;
  const N between = polynomial(cube, kAiryF) * 0.355028053887817239260 -
                    x * polynomial(cube, kAiryG) * 0.258819403792806798405;
  const N finite = choose(less(x, -2.09), below, choose(less(x, 2.09), between, above));
  const N far = choose(less(103.892, x), like(x, 0), finite);
  return choose(equal(abs(x), kInfinity), like(x, kNan), far);
}

// --- the error function's relatives

// exp(x^2) erfc(x): a Chebyshev series in t = 2 / (2 + |x|), and erfc(-x) = 2 - erfc(x).
template <class N>
N erfcx(const N& x) {
  const N t = 2.0 / (abs(x) + 2.0);
  const N above = t * chebyshev(t * 4.0 - 2.0, kScaledErfc);
  return choose(less(x, 0.0), exp(x * x) * 2.0 - above, above);
}

template <class N>
N ndtr(const N& x) {
  const N t = x * (std::numbers::sqrt2 / 2), a = abs(t);
  const N tail = exp(a * a * -1.0) * erfcx(a) * 0.5;
  return choose(less(a, std::numbers::sqrt2 / 2), erf(t) * 0.5 + 0.5,
                choose(less(x, 0.0), tail, 1.0 - tail));
}

template <class N>
N log_ndtr(const N& x) {
  const N t = x * (std::numbers::sqrt2 / 2);
  return choose(less(x, -1.0), log(erfcx(t * -1.0) * 0.5) - t * t, log1p(ndtr(x * -1.0) * -1.0));
}

template <class N>
N ndtri(const N& p) {
  constexpr double kSquare = 0.13533528323661269189;  // exp(-2)
  const N y = choose(less(1 - kSquare, p), 1.0 - p, p);
  const N middle = y - 0.5, square = middle * middle;
  const N inner =
      (middle + middle * (square * ratio(square, kQuantileMiddleTop, kQuantileMiddleBottom))) *
      2.50662827463100050242;  // the root of 2 pi
  const N x = sqrt(log(y) * -2.0), z = 1.0 / x;
  const N tail = z * choose(less(x, 8.0), ratio(z, kQuantileTailTop, kQuantileTailBottom),
                            ratio(z, kQuantileFarTop, kQuantileFarBottom));
  const N size = x - log(x) / x - tail;
  const N outer = choose(less(1 - kSquare, p), size, size * -1.0);
  const N inside = choose(less(kSquare, y), inner, outer);
  // At 0 and 1 the logarithm's infinity makes no number.
  return choose(equal(p, 0.0), like(p, -kInfinity),
                choose(equal(p, 1.0), like(p, kInfinity), inside));
}

// A rational approximation and two steps of Newton's method (Pavlis 1996, as in PyTorch).
template <class N>
N erfinv(const N& y) {
  static constexpr double kInnerTop[] = {-0.140543331, 0.914624893, -1.645349621, 0.886226899},
                          kInnerBottom[] = {0.012229801, -0.329097515, 1.442710462, -2.118377725,
                                            1},
                          kOuterTop[] = {1.641345311, 3.429567803, -1.624906493, -1.970840454},
                          kOuterBottom[] = {1.637067800, 3.543889200, 1};
  const N a = abs(y), square = y * y;
  const N z = sqrt(log((1.0 - a) * 0.5) * -1.0);
  N x = choose(less(0.7, a), odd(y, ratio(z, kOuterTop, kOuterBottom)),
               y * ratio(square, kInnerTop, kInnerBottom));
  for (int step = 0; step < 2; ++step)
    x = x - (erf(x) - y) / (exp(x * x * -1.0) * (2 * std::numbers::inv_sqrtpi));
  return choose(equal(a, 1.0), odd(y, like(y, kInfinity)), x);
}

// --- the gamma function's relatives

// Beyond 10 by the asymptotic series; smaller numbers are moved up by 10, and negative ones
// reflected: psi(x) = psi(1 - x) - pi / tan(pi x).
template <class N>
N digamma(const N& x) {
  static constexpr double kSeries[] = {8.33333333333333333333E-2, -2.10927960927960927961E-2,
                                       7.57575757575757575758E-3, -4.16666666666666666667E-3,
                                       3.96825396825396825397E-3, -8.33333333333333333333E-3,
                                       8.33333333333333333333E-2};
  const auto negative = less(x, 0.0);
  const N y = choose(negative, 1.0 - x, x);
  N steps = 1.0 / y;
  for (int i = 1; i < 10; ++i) steps = steps + 1.0 / (y + static_cast<double>(i));
  const auto small = less(y, 10.0);
  const N up = choose(small, y + 10.0, y), z = 1.0 / (up * up);
  const N value =
      log(up) - 0.5 / up - z * polynomial(z, kSeries) - choose(small, steps, like(x, 0));
  const N part = (x - floor(x)) * kPi;
  const N reflected =
      choose(equal(x, floor(x)), like(x, kNan), value - cos(part) * kPi / sin(part));
  return choose(negative, reflected, value);
}

// PyTorch's own: six steps up, then the asymptotic series.
template <class N>
N trigamma(const N& x) {
  const auto reflect = less(x, 0.5);
  N y = choose(reflect, 1.0 - x, x);
  N sum = like(x, 0);
  for (int i = 0; i < 6; ++i) {
    sum = sum + 1.0 / (y * y);
    y = y + 1.0;
  }
  const N z = 1.0 / (y * y);
  sum = sum + (1.0 + 0.5 / y + z * (1.0 / 6 - z * (1.0 / 30 - z * (1.0 / 42)))) / y;
  const N sine = sin(x * kPi) * (1 / kPi);
  return choose(reflect, 1.0 / (sine * sine) - sum, sum);
}

// log |gamma(x)|: Chebyshev's series on [1, 3], one step down for less, Stirling's series for more,
// and the reflection for negative numbers.
template <class N>
N log_gamma(const N& x) {
  static constexpr double kStirling[] = {1.0 / 156,  -691.0 / 360360, 1.0 / 1188, -1.0 / 1680,
                                         1.0 / 1260, -1.0 / 360,      1.0 / 12};
  const auto negative = less(x, 0.0);
  const N y = choose(negative, 1.0 - x, x);
  const auto low = less(y, 1.0);
  const N near = choose(low, y + 1.0, y);
  const N middle = (near - 1.0) * (near - 2.0) * chebyshev((near - 2.0) * 2.0, kLogGamma) -
                   choose(low, log(y), like(x, 0));
  const auto short_of_8 = less(y, 8.0);
  const N up = choose(short_of_8, y + 5.0, y), z = 1.0 / (up * up);
  const N steps = log(y * (y + 1.0) * (y + 2.0) * (y + 3.0) * (y + 4.0));
  const N above = (up - 0.5) * (log(up) - 1.0) + (std::log(2 * kPi) / 2 - 0.5) +
                  polynomial(z, kStirling) / up - choose(short_of_8, steps, like(x, 0));
  const N value = choose(less(y, 3.0), middle, choose(equal(y, kInfinity), y, above));
  const N sine = abs(sin((x - floor(x)) * kPi));
  const N reflected = std::log(kPi) - log(sine) - value;
  return choose(equal(abs(x), kInfinity), like(x, kInfinity), choose(negative, reflected, value));
}

}  // namespace tenon::ops::special
