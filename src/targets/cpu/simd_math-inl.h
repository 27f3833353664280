// Vector math that Highway's own library lacks. Included once per instruction set, after
// highway.h.
#if defined(TENON_SIMD_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TENON_SIMD_MATH_INL_H
#undef TENON_SIMD_MATH_INL_H
#else
#define TENON_SIMD_MATH_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {

// Highway's Exp is defined up to 104 only.
template <class D, class V>
HWY_INLINE V SafeExp(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V limit = hn::Set(d, 88.72284f);
  return hn::IfThenElse(hn::Gt(x, limit), hn::Set(d, __builtin_inff()),
                        hn::Exp(d, hn::Min(x, limit)));
}

// 1 / (1 + exp(-x)).
template <class D, class V>
HWY_INLINE V FastLogistic(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(x), hn::Set(d, 88.0f)))));
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: within 1.5e-7.
template <class D, class V>
HWY_INLINE V FastErf(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0f), a = hn::Abs(x);
  const V t = hn::Div(one, hn::MulAdd(a, hn::Set(d, 0.3275911f), one));
  V poly = hn::Set(d, 1.061405429f);
  poly = hn::MulAdd(poly, t, hn::Set(d, -1.453152027f));
  poly = hn::MulAdd(poly, t, hn::Set(d, 1.421413741f));
  poly = hn::MulAdd(poly, t, hn::Set(d, -0.284496736f));
  poly = hn::MulAdd(poly, t, hn::Set(d, 0.254829592f));
  const V tail = hn::Mul(hn::Mul(poly, t), hn::Exp(d, hn::Neg(hn::Mul(a, a))));
  return hn::CopySign(hn::Sub(one, tail), x);
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard
