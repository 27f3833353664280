#include "ops/common/complex_parts.h"

#include <cmath>

namespace tenon::ops::lower {
namespace {

constexpr double kPi = 3.14159265358979323846;

V* one(LowerContext& c, const char* op, V* x) { return c.b.emit_named(op, {x}); }
V* two(LowerContext& c, const char* op, V* a, V* b) { return c.b.emit_named(op, {a, b}); }
V* infinite(LowerContext& c, V* x) {
  return c.b.emit_with("IsInf", {{"detect_negative", int64_t{1}}, {"detect_positive", int64_t{1}}},
                       {x});
}
// Whether the sign is minus, that of -0 as well.
V* has_minus(LowerContext& c, V* x) {
  V* zero = like(c, x, 0);
  return two(c, "Or", two(c, "Less", x, zero), two(c, "Less", div(c, like(c, x, 1), x), zero));
}

}  // namespace

Parts parts(LowerContext& c, V* both) {
  const auto last = static_cast<int64_t>(rank(c, both)) - 1;
  return {gather(c, both, c.b.scalar_int(0), last), gather(c, both, c.b.scalar_int(1), last)};
}

Parts parts(LowerContext& c, std::string_view name, DType type) {
  return parts(c, c.operand(name, type));
}

V* joined(LowerContext& c, const Parts& z) {
  // A choice by place is one node, broadcasts, and leaves infinities as they are.
  Tensor first = Tensor::zeros(DType::boolean, {2});
  first.mutable_bytes()[0] = std::byte{1};
  auto spread = [&](V* x) { return unsqueeze(c, x, {static_cast<int64_t>(rank(c, x))}); };
  return c.complex(where(c, c.b.constant(std::move(first)), spread(z.re), spread(z.im)));
}

std::optional<DType> complex_type(LowerContext& c, std::initializer_list<std::string_view> names) {
  const DType type = c.promoted(names);
  if (is_complex(type)) return type;
  if (type != DType::undefined && type != DType::f16) {
    const DType made = torch::complex_type(LowerContext::floating(type));
    if (made != DType::undefined) return made;
  }
  c.refuse("complex numbers with parts of 16 bits have no form here",
           "convert it first: x.float()");
  return std::nullopt;
}

Parts add(LowerContext& c, const Parts& a, const Parts& b) {
  return {add(c, a.re, b.re), add(c, a.im, b.im)};
}
Parts sub(LowerContext& c, const Parts& a, const Parts& b) {
  return {sub(c, a.re, b.re), sub(c, a.im, b.im)};
}
Parts mul(LowerContext& c, const Parts& a, const Parts& b) {
  return {sub(c, mul(c, a.re, b.re), mul(c, a.im, b.im)),
          add(c, mul(c, a.re, b.im), mul(c, a.im, b.re))};
}
// Scaled by the divisor's larger part, so that no square overflows.
Parts div(LowerContext& c, const Parts& a, const Parts& b) {
  V* larger = two(c, "Max", one(c, "Abs", b.re), one(c, "Abs", b.im));
  V* unit = div(c, like(c, larger, 1), larger);
  const Parts n = scaled(c, a, unit), d = scaled(c, b, unit);
  V* norm = add(c, mul(c, d.re, d.re), mul(c, d.im, d.im));
  const Parts product = mul(c, n, conjugated(c, d));
  return {div(c, product.re, norm), div(c, product.im, norm)};
}
Parts scaled(LowerContext& c, const Parts& a, V* factor) {
  return {mul(c, a.re, factor), mul(c, a.im, factor)};
}
Parts negated(LowerContext& c, const Parts& a) {
  return {one(c, "Neg", a.re), one(c, "Neg", a.im)};
}
Parts conjugated(LowerContext& c, const Parts& a) { return {a.re, one(c, "Neg", a.im)}; }
Parts where(LowerContext& c, V* condition, const Parts& yes, const Parts& no) {
  return {where(c, condition, yes.re, no.re), where(c, condition, yes.im, no.im)};
}
Parts number(LowerContext& c, V* x, double re, double im) {
  return {like(c, x, re), like(c, x, im)};
}
Parts turned(LowerContext& c, const Parts& z) { return {one(c, "Neg", z.im), z.re}; }

// As hypot: without overflow, infinite where either part is.
V* magnitude(LowerContext& c, const Parts& z) {
  V *a = one(c, "Abs", z.re), *b = one(c, "Abs", z.im);
  V *large = two(c, "Max", a, b), *small = two(c, "Min", a, b);
  V* ratio = div(c, small, large);
  V* size = mul(c, large, one(c, "Sqrt", add(c, mul(c, ratio, ratio), like(c, ratio, 1))));
  size = where(c, two(c, "Equal", large, like(c, large, 0)), large, size);
  return where(c, two(c, "Or", infinite(c, a), infinite(c, b)), like(c, size, HUGE_VAL), size);
}

V* angle(LowerContext& c, const Parts& z) {
  V* both = two(c, "And", infinite(c, z.re), infinite(c, z.im));
  V *x = where(c, both, one(c, "Sign", z.re), z.re),
    *y = where(c, both, one(c, "Sign", z.im), z.im);
  V *minus = has_minus(c, y), *zero = like(c, x, 0);
  auto signed_angle = [&](double size) {
    return where(c, minus, like(c, x, -size), like(c, x, size));
  };
  V* quotient = one(c, "Atan", div(c, y, x));
  V* out = where(c, two(c, "Less", x, zero), add(c, quotient, signed_angle(kPi)), quotient);
  V* flat = where(c, has_minus(c, x), signed_angle(kPi), y);
  V* upright = where(c, two(c, "Equal", y, zero), flat, signed_angle(kPi / 2));
  upright = where(c, one(c, "IsNaN", y), y, upright);
  return where(c, two(c, "Equal", x, zero), upright, out);
}

V* is_zero(LowerContext& c, const Parts& z) {
  V* zero = like(c, z.re, 0);
  return two(c, "And", two(c, "Equal", z.re, zero), two(c, "Equal", z.im, zero));
}

Parts polar(LowerContext& c, V* size, V* angle) {
  return {mul(c, size, one(c, "Cos", angle)), mul(c, size, one(c, "Sin", angle))};
}

Parts exp(LowerContext& c, const Parts& z) { return polar(c, one(c, "Exp", z.re), z.im); }
Parts log(LowerContext& c, const Parts& z) { return {one(c, "Log", magnitude(c, z)), angle(c, z)}; }

// The part that needs no difference first, the other one from it.
Parts sqrt(LowerContext& c, const Parts& z) {
  V* half = like(c, z.re, 0.5);
  V* root = one(c, "Sqrt", mul(c, half, add(c, magnitude(c, z), one(c, "Abs", z.re))));
  V* other = div(c, mul(c, half, z.im), root);
  V* minus = has_minus(c, z.im);
  const Parts right{root, other};
  const Parts left{one(c, "Abs", other), where(c, minus, one(c, "Neg", root), root)};
  V* zero = like(c, z.re, 0);
  const Parts out = where(c, two(c, "Less", z.re, zero), left, right);
  return where(c, is_zero(c, z), {zero, z.im}, out);
}

}  // namespace tenon::ops::lower
