// Elementwise operators on complex tensors, by formulas on real and imaginary parts.
#include <cmath>
#include <numbers>

#include "ops/common/complex_parts.h"

namespace tenon::ops {
namespace complex_lowering {

using lower::Parts;
using lower::V;
using torch::LowerContext;

V* named(LowerContext& c, const char* op, V* x) { return c.b.emit_named(op, {x}); }
V* named(LowerContext& c, const char* op, V* a, V* b) { return c.b.emit_named(op, {a, b}); }

// --- made of real tensors

// complex(re, im), polar(abs, angle): of one type.
V* complex_of(LowerContext& c) { return lower::joined(c, {c.tensor("real"), c.tensor("imag")}); }
V* polar(LowerContext& c) {
  return lower::joined(c, lower::polar(c, c.tensor("abs"), c.tensor("angle")));
}

// --- two operands

struct Pair {
  Parts a, b;
};
std::optional<Pair> operands(LowerContext& c, std::string_view a = "self",
                             std::string_view b = "other") {
  const auto type = lower::complex_type(c, {a, b});
  if (!type) return std::nullopt;
  return Pair{lower::parts(c, a, *type), lower::parts(c, b, *type)};
}

Parts times_alpha(LowerContext& c, const Parts& z) {
  const torch::Value& alpha = c.value("alpha");
  if (const ir::Dim* d = alpha.get<ir::Dim>(); alpha.is_none() || (d && d->is(1))) return z;
  return lower::mul(c, z, lower::parts(c, "alpha", torch::complex_type(z.re->dtype())));
}

V* add(LowerContext& c) {
  const auto p = operands(c);
  return p ? lower::joined(c, lower::add(c, p->a, times_alpha(c, p->b))) : nullptr;
}
V* sub(LowerContext& c) {
  const auto p = operands(c);
  return p ? lower::joined(c, lower::sub(c, p->a, times_alpha(c, p->b))) : nullptr;
}
V* rsub(LowerContext& c) {
  const auto p = operands(c);
  return p ? lower::joined(c, lower::sub(c, p->b, times_alpha(c, p->a))) : nullptr;
}
V* mul(LowerContext& c) {
  const auto p = operands(c);
  return p ? lower::joined(c, lower::mul(c, p->a, p->b)) : nullptr;
}
V* div(LowerContext& c) {
  if (c.has("rounding_mode")) return c.refuse("complex numbers are not rounded");
  const auto p = operands(c);
  return p ? lower::joined(c, lower::div(c, p->a, p->b)) : nullptr;
}

// z^w = exp(w * log z); small whole powers are products, as in PyTorch.
Parts power(LowerContext& c, const Parts& z, const Parts& w) {
  return lower::exp(c, lower::mul(c, w, lower::log(c, z)));
}
V* pow(LowerContext& c) {
  const auto p = operands(c, "self", "exponent");
  if (!p) return nullptr;
  const torch::Value& exponent = c.value("exponent");
  std::optional<double> n;
  if (const ir::Dim* d = exponent.get<ir::Dim>(); d && d->is_constant())
    n = static_cast<double>(*d->constant());
  if (const torch::Float* f = exponent.get<torch::Float>(); f && f->is_known()) n = f->known;
  const Parts& z = p->a;
  const Parts unit = lower::number(c, z.re, 1);
  if (n == 1) return lower::joined(c, z);
  if (n == 2) return lower::joined(c, lower::mul(c, z, z));
  if (n == 3) return lower::joined(c, lower::mul(c, lower::mul(c, z, z), z));
  if (n == 0.5) return lower::joined(c, lower::sqrt(c, z));
  if (n == -0.5) return lower::joined(c, lower::div(c, unit, lower::sqrt(c, z)));
  if (n == -1) return lower::joined(c, lower::div(c, unit, z));
  if (n == -2) return lower::joined(c, lower::div(c, unit, lower::mul(c, z, z)));
  // A power of zero is zero, and one where the exponent is zero.
  Parts out = lower::where(c, lower::is_zero(c, z), lower::number(c, z.re, 0), power(c, z, p->b));
  return lower::joined(c, lower::where(c, lower::is_zero(c, p->b), unit, out));
}

V* equal_parts(LowerContext& c) {
  const auto p = operands(c);
  if (!p) return nullptr;
  return named(c, "And", named(c, "Equal", p->a.re, p->b.re), named(c, "Equal", p->a.im, p->b.im));
}
V* not_equal(LowerContext& c) {
  V* equal = equal_parts(c);
  return equal ? named(c, "Not", equal) : nullptr;
}

V* addcmul(LowerContext& c) {
  const auto type = lower::complex_type(c, {"self", "tensor1", "tensor2"});
  if (!type) return nullptr;
  Parts product =
      lower::mul(c, lower::parts(c, "tensor1", *type), lower::parts(c, "tensor2", *type));
  product = lower::mul(c, product, lower::parts(c, "value", *type));
  return lower::joined(c, lower::add(c, lower::parts(c, "self", *type), product));
}

// --- one operand

Parts self(LowerContext& c) { return lower::parts(c, c.tensor("self")); }

Parts reciprocal(LowerContext& c, const Parts& z) {
  return lower::div(c, lower::number(c, z.re, 1), z);
}
Parts rsqrt(LowerContext& c, const Parts& z) { return reciprocal(c, lower::sqrt(c, z)); }
Parts square(LowerContext& c, const Parts& z) { return lower::mul(c, z, z); }
Parts sign(LowerContext& c, const Parts& z) {
  V* size = lower::magnitude(c, z);
  V* zero = named(c, "Equal", size, lower::like(c, size, 0));
  return lower::where(c, zero, lower::number(c, size, 0),
                      {lower::div(c, z.re, size), lower::div(c, z.im, size)});
}
Parts expm1(LowerContext& c, const Parts& z) {
  return lower::sub(c, lower::exp(c, z), lower::number(c, z.re, 1));
}
template <int base>
Parts log_of_base(LowerContext& c, const Parts& z) {
  return lower::scaled(c, lower::log(c, z), lower::like(c, z.re, 1 / std::log(base)));
}
Parts sigmoid(LowerContext& c, const Parts& z) {
  return reciprocal(c,
                    lower::add(c, lower::number(c, z.re, 1), lower::exp(c, lower::negated(c, z))));
}
// sinh(x + iy) = sinh x cos y + i cosh x sin y, and so on.
Parts sinh(LowerContext& c, const Parts& z) {
  return {lower::mul(c, named(c, "Sinh", z.re), named(c, "Cos", z.im)),
          lower::mul(c, named(c, "Cosh", z.re), named(c, "Sin", z.im))};
}
Parts cosh(LowerContext& c, const Parts& z) {
  return {lower::mul(c, named(c, "Cosh", z.re), named(c, "Cos", z.im)),
          lower::mul(c, named(c, "Sinh", z.re), named(c, "Sin", z.im))};
}
// (sinh 2x + i sin 2y) / (cosh 2x + cos 2y) with t = tanh x, which does not overflow.
Parts tanh(LowerContext& c, const Parts& z) {
  V *t = named(c, "Tanh", z.re), *cosine = named(c, "Cos", z.im), *sine = named(c, "Sin", z.im);
  V* t2 = lower::mul(c, t, t);
  V* below =
      lower::add(c, lower::mul(c, cosine, cosine), lower::mul(c, t2, lower::mul(c, sine, sine)));
  V* above = lower::mul(c, lower::mul(c, sine, cosine), lower::sub(c, lower::like(c, t2, 1), t2));
  return {lower::div(c, t, below), lower::div(c, above, below)};
}
// f(iz) / i
template <Parts f(LowerContext&, const Parts&)>
Parts of_turned(LowerContext& c, const Parts& z) {
  const Parts w = f(c, lower::turned(c, z));
  return {w.im, named(c, "Neg", w.re)};
}
Parts cos(LowerContext& c, const Parts& z) { return cosh(c, lower::turned(c, z)); }

template <Parts f(LowerContext&, const Parts&)>
V* elementwise(LowerContext& c) {
  return lower::joined(c, f(c, self(c)));
}

V* absolute(LowerContext& c) { return lower::magnitude(c, self(c)); }
V* angle(LowerContext& c) { return lower::angle(c, self(c)); }
// Of real numbers: 0 or pi; what is no number stays so.
V* real_angle(LowerContext& c) {
  V* x = lower::floating(c, c.tensor("self"));
  V* out = lower::where(c, named(c, "Less", x, lower::like(c, x, 0)),
                        lower::like(c, x, std::numbers::pi), lower::like(c, x, 0));
  return lower::where(c, named(c, "IsNaN", x), x, out);
}

V* is_real(LowerContext& c) {
  V* im = self(c).im;
  return named(c, "Equal", im, lower::like(c, im, 0));
}
V* real_is_real(LowerContext& c) {
  return lower::filled(c, lower::sizes(c, c.tensor("self")), 1, DType::boolean);
}
// Whether either part is so, or not.
V* either(LowerContext& c, const char* op) {
  const Parts z = self(c);
  return named(c, "Or", named(c, op, z.re), named(c, op, z.im));
}
V* is_nan(LowerContext& c) { return either(c, "IsNaN"); }
V* is_infinite(LowerContext& c, const Parts& z) {
  auto one = [&](V* x) {
    return c.b.emit_with("IsInf",
                         {{"detect_negative", int64_t{1}}, {"detect_positive", int64_t{1}}}, {x});
  };
  return named(c, "Or", one(z.re), one(z.im));
}
V* is_inf(LowerContext& c) { return is_infinite(c, self(c)); }
V* is_finite(LowerContext& c) { return named(c, "Not", named(c, "Or", is_inf(c), is_nan(c))); }
V* logical_not(LowerContext& c) { return lower::is_zero(c, self(c)); }

// |a - b| <= atol + rtol * |b|, or equal.
V* is_close(LowerContext& c) {
  const auto p = operands(c);
  if (!p) return nullptr;
  const DType type = p->a.re->dtype();
  V* allowed = lower::add(c, lower::mul(c, lower::magnitude(c, p->b), c.scalar("rtol", type)),
                          c.scalar("atol", type));
  const Parts difference = lower::sub(c, p->a, p->b);
  V* near = named(c, "And", named(c, "LessOrEqual", lower::magnitude(c, difference), allowed),
                  named(c, "Not", is_infinite(c, difference)));
  V* same =
      named(c, "And", named(c, "Equal", p->a.re, p->b.re), named(c, "Equal", p->a.im, p->b.im));
  V* close = named(c, "Or", same, near);
  if (!c.flag("equal_nan")) return close;
  auto nan = [&](const Parts& z) {
    return named(c, "Or", named(c, "IsNaN", z.re), named(c, "IsNaN", z.im));
  };
  return named(c, "Or", close, named(c, "And", nan(p->a), nan(p->b)));
}

}  // namespace complex_lowering

std::span<const torch::Lowering> complex_torch() {
  using namespace complex_lowering;
  using torch::Takes;
  static constexpr torch::Lowering kAll[] = {
      {"aten::complex", complex_of},
      {"aten::polar", polar},
      {"aten::angle", real_angle},
      {"aten::angle", angle, Takes::complex},
      {"aten::isreal", real_is_real},
      {"aten::isreal", is_real, Takes::complex},
      {"aten::add.Tensor", add, Takes::complex},
      {"aten::add.Scalar", add, Takes::complex},
      {"aten::sub.Tensor", sub, Takes::complex},
      {"aten::sub.Scalar", sub, Takes::complex},
      {"aten::subtract.Tensor", sub, Takes::complex},
      {"aten::subtract.Scalar", sub, Takes::complex},
      {"aten::rsub.Tensor", rsub, Takes::complex},
      {"aten::rsub.Scalar", rsub, Takes::complex},
      {"aten::mul.Tensor", mul, Takes::complex},
      {"aten::mul.Scalar", mul, Takes::complex},
      {"aten::multiply.Tensor", mul, Takes::complex},
      {"aten::multiply.Scalar", mul, Takes::complex},
      {"aten::div.Tensor", div, Takes::complex},
      {"aten::div.Scalar", div, Takes::complex},
      {"aten::divide.Tensor", div, Takes::complex},
      {"aten::divide.Scalar", div, Takes::complex},
      {"aten::true_divide.Tensor", div, Takes::complex},
      {"aten::true_divide.Scalar", div, Takes::complex},
      {"aten::eq.Tensor", equal_parts, Takes::complex},
      {"aten::eq.Scalar", equal_parts, Takes::complex},
      {"aten::ne.Tensor", not_equal, Takes::complex},
      {"aten::ne.Scalar", not_equal, Takes::complex},
      {"aten::not_equal.Tensor", not_equal, Takes::complex},
      {"aten::not_equal.Scalar", not_equal, Takes::complex},
      {"aten::pow.Tensor_Tensor", pow, Takes::complex},
      {"aten::pow.Tensor_Scalar", pow, Takes::complex},
      {"aten::pow.Scalar", pow, Takes::complex},
      {"aten::addcmul", addcmul, Takes::complex},
      {"aten::isclose", is_close, Takes::complex},
      {"aten::neg", elementwise<lower::negated>, Takes::complex},
      {"aten::negative", elementwise<lower::negated>, Takes::complex},
      {"aten::reciprocal", elementwise<reciprocal>, Takes::complex},
      {"aten::exp", elementwise<lower::exp>, Takes::complex},
      {"aten::log", elementwise<lower::log>, Takes::complex},
      {"aten::sqrt", elementwise<lower::sqrt>, Takes::complex},
      {"aten::rsqrt", elementwise<rsqrt>, Takes::complex},
      {"aten::square", elementwise<square>, Takes::complex},
      {"aten::sgn", elementwise<sign>, Takes::complex},
      {"aten::expm1", elementwise<expm1>, Takes::complex},
      {"aten::log2", elementwise<log_of_base<2>>, Takes::complex},
      {"aten::log10", elementwise<log_of_base<10>>, Takes::complex},
      {"aten::sigmoid", elementwise<sigmoid>, Takes::complex},
      {"aten::sinh", elementwise<sinh>, Takes::complex},
      {"aten::cosh", elementwise<cosh>, Takes::complex},
      {"aten::tanh", elementwise<tanh>, Takes::complex},
      {"aten::sin", elementwise<of_turned<sinh>>, Takes::complex},
      {"aten::cos", elementwise<cos>, Takes::complex},
      {"aten::tan", elementwise<of_turned<tanh>>, Takes::complex},
      {"aten::abs", absolute, Takes::complex},
      {"aten::absolute", absolute, Takes::complex},
      {"aten::isnan", is_nan, Takes::complex},
      {"aten::isinf", is_inf, Takes::complex},
      {"aten::isfinite", is_finite, Takes::complex},
      {"aten::logical_not", logical_not, Takes::complex},
  };
  return kAll;
}

}  // namespace tenon::ops
