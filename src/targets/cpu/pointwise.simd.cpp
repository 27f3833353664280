// The inner loops of pointwise programs, for every instruction set (Highway).
#include "targets/cpu/pointwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "targets/cpu/pointwise.simd.cpp"
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

#include "targets/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

template <class F>
HWY_INLINE void unary(const float* a, float* out, size_t n, F f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, a + i)), d, out + i);
  if (i < n) {
    const auto mask = hn::FirstN(d, n - i);
    hn::BlendedStore(f(d, hn::MaskedLoad(mask, d, a + i)), mask, d, out + i);
  }
}

template <class F>
HWY_INLINE void binary(const float* a, const float* b, float* out, size_t n, F f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(f(d, hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  }
  if (i < n) {
    const auto mask = hn::FirstN(d, n - i);
    hn::BlendedStore(f(d, hn::MaskedLoad(mask, d, a + i), hn::MaskedLoad(mask, d, b + i)), mask, d,
                     out + i);
  }
}

#define TENON_BINARY(name, expression)                                                \
  void name(const float* a, const float* b, float* out, size_t n, float p, float q) { \
    binary(a, b, out, n, [&](D d, V x, V y) HWY_ATTR { return expression; });         \
  }
#define TENON_UNARY(name, expression)                                               \
  void name(const float* a, const float*, float* out, size_t n, float p, float q) { \
    unary(a, out, n, [&](D d, V x) HWY_ATTR { return expression; });                \
  }

TENON_BINARY(Add, hn::Add(x, y))
TENON_BINARY(Sub, hn::Sub(x, y))
TENON_BINARY(Mul, hn::Mul(x, y))
TENON_BINARY(Div, hn::Div(x, y))
// As ONNX and NumPy: NaN where either is.
TENON_BINARY(Min, hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenElse(hn::IsNaN(y), y, hn::Min(x, y))))
TENON_BINARY(Max, hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenElse(hn::IsNaN(y), y, hn::Max(x, y))))
TENON_UNARY(Relu, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, hn::Set(d, p)), x))
TENON_UNARY(Clip,
            hn::IfThenElse(hn::IsNaN(x), x, hn::Min(hn::Max(x, hn::Set(d, p)), hn::Set(d, q))))
TENON_UNARY(Logistic, FastLogistic(d, x))
TENON_UNARY(Tanh, hn::Tanh(d, x))
TENON_UNARY(Elu, hn::IfThenElse(hn::Lt(x, hn::Zero(d)),
                                hn::Mul(hn::Set(d, p), hn::Expm1(d, hn::Min(x, hn::Zero(d)))), x))
TENON_UNARY(Selu,
            hn::Mul(hn::Set(d, q),
                    hn::IfThenElse(hn::Lt(x, hn::Zero(d)),
                                   hn::Mul(hn::Set(d, p), hn::Expm1(d, hn::Min(x, hn::Zero(d)))),
                                   x)))
TENON_UNARY(GeluErf, hn::Mul(hn::Mul(x, hn::Set(d, 0.5f)),
                             hn::Add(hn::Set(d, 1.0f),
                                     FastErf(d, hn::Mul(x, hn::Set(d, 0.70710678118654752f))))))
TENON_UNARY(GeluTanh,
            hn::Mul(hn::Mul(x, hn::Set(d, 0.5f)),
                    hn::Add(hn::Set(d, 1.0f),
                            hn::Tanh(d, hn::Mul(hn::Mul(x, hn::Set(d, 0.79788456080286536f)),
                                                hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f),
                                                           hn::Set(d, 1.0f)))))))
TENON_UNARY(Swish, hn::Mul(x, FastLogistic(d, hn::Mul(x, hn::Set(d, p)))))
TENON_UNARY(HardSwish,
            hn::Mul(x, hn::Min(hn::Max(hn::MulAdd(x, hn::Set(d, 1.0f / 6), hn::Set(d, 0.5f)),
                                       hn::Zero(d)),
                               hn::Set(d, 1.0f))))
TENON_UNARY(HardSigmoid, hn::Min(hn::Max(hn::MulAdd(x, hn::Set(d, p), hn::Set(d, q)), hn::Zero(d)),
                                 hn::Set(d, 1.0f)))
TENON_UNARY(Linear, hn::MulAdd(x, hn::Set(d, p), hn::Set(d, q)))
TENON_UNARY(Exp, SafeExp(d, x))
TENON_UNARY(Sqrt, hn::Sqrt(x))
TENON_UNARY(Reciprocal, hn::Div(hn::Set(d, 1.0f), x))
TENON_UNARY(Neg, hn::Neg(x))
TENON_UNARY(Abs, hn::Abs(x))
TENON_UNARY(Floor, hn::Floor(x))
TENON_UNARY(Ceil, hn::Ceil(x))
TENON_UNARY(Round, hn::Round(x))
TENON_UNARY(Erf, FastErf(d, x))
TENON_UNARY(Softsign, hn::Div(x, hn::Add(hn::Set(d, 1.0f), hn::Abs(x))))
// log(1 + exp(x)), without overflow: max(x, 0) + log1p(exp(-|x|)).
TENON_UNARY(Softplus,
            hn::Add(hn::Max(x, hn::Zero(d)), hn::Log1p(d, hn::Exp(d, hn::Neg(hn::Abs(x))))))
TENON_UNARY(Mish, hn::Mul(x, hn::Tanh(d, hn::Add(hn::Max(x, hn::Zero(d)),
                                                 hn::Log1p(d, hn::Exp(d, hn::Neg(hn::Abs(x))))))))

#undef TENON_BINARY
#undef TENON_UNARY

PointKernel Find(PointOp op) {
  switch (op) {
    case PointOp::add:
      return Add;
    case PointOp::sub:
      return Sub;
    case PointOp::mul:
      return Mul;
    case PointOp::div:
      return Div;
    case PointOp::min:
      return Min;
    case PointOp::max:
      return Max;
    case PointOp::relu:
      return Relu;
    case PointOp::clip:
      return Clip;
    case PointOp::logistic:
      return Logistic;
    case PointOp::tanh:
      return Tanh;
    case PointOp::elu:
      return Elu;
    case PointOp::selu:
      return Selu;
    case PointOp::gelu_erf:
      return GeluErf;
    case PointOp::gelu_tanh:
      return GeluTanh;
    case PointOp::swish:
      return Swish;
    case PointOp::hardswish:
      return HardSwish;
    case PointOp::hardsigmoid:
      return HardSigmoid;
    case PointOp::linear:
      return Linear;
    case PointOp::exp:
      return Exp;
    case PointOp::sqrt:
      return Sqrt;
    case PointOp::reciprocal:
      return Reciprocal;
    case PointOp::neg:
      return Neg;
    case PointOp::abs:
      return Abs;
    case PointOp::floor:
      return Floor;
    case PointOp::ceil:
      return Ceil;
    case PointOp::round:
      return Round;
    case PointOp::erf:
      return Erf;
    case PointOp::softplus:
      return Softplus;
    case PointOp::softsign:
      return Softsign;
    case PointOp::mish:
      return Mish;
    default:
      return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>

namespace tenon::cpu {
HWY_EXPORT(Find);

namespace {
// Rare operations, element by element.
template <float (*F)(float)>
void each(const float* a, const float*, float* out, size_t n, float, float) {
  for (size_t i = 0; i < n; ++i) out[i] = F(a[i]);
}
void power(const float* a, const float* b, float* out, size_t n, float, float) {
  for (size_t i = 0; i < n; ++i) out[i] = std::pow(a[i], b[i]);
}
}  // namespace

PointKernel point_kernel(PointOp op) {
  switch (op) {
    case PointOp::pow:
      return power;
    case PointOp::log:
      return each<std::log>;
    case PointOp::sin:
      return each<std::sin>;
    case PointOp::cos:
      return each<std::cos>;
    default:
      return HWY_DYNAMIC_DISPATCH(Find)(op);
  }
}
}  // namespace tenon::cpu
#endif
