#include "ops/unary/unary.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// A floating-point function: computed in double, rounded once.
template <class Op, class F>
constexpr RefKernel float_kernel(F) {
  return kernel<Op>([](RefContext& c) { return map_elements<double>(c, F{}); });
}

// A function of any number: integers stay exact.
template <class Op, class F>
constexpr RefKernel number_kernel(F) {
  return kernel<Op>([](RefContext& c) {
    const DType dtype = c.input(0).dtype();
    if (dtype == DType::u64) return map_elements<uint64_t>(c, F{});
    return is_integral(dtype) ? map_elements<int64_t>(c, F{}) : map_elements<double>(c, F{});
  });
}

Status run_is_inf(RefContext& c) {
  const auto op = c.as<IsInf>();
  return map_elements<double>(
      c,
      [&](double v) { return std::isinf(v) && (v > 0 ? op.detect_positive : op.detect_negative); },
      DType::boolean);
}

Status run_is_nan(RefContext& c) {
  return map_elements<double>(c, [](double v) { return std::isnan(v); }, DType::boolean);
}

double softplus(double v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); }

}  // namespace

std::span<const RefKernel> unary_ref() {
  static constexpr RefKernel kernels[] = {
      number_kernel<Relu>([](auto v) { return v < 0 ? decltype(v){0} : v; }),
      number_kernel<Neg>([](auto v) {
        if constexpr (std::is_same_v<decltype(v), double>)
          return -v;
        else
          return static_cast<decltype(v)>(0 - static_cast<uint64_t>(v));
      }),
      number_kernel<Abs>([](auto v) {
        if constexpr (std::is_same_v<decltype(v), double>)
          return std::fabs(v);
        else
          return v < 0 ? static_cast<decltype(v)>(0 - static_cast<uint64_t>(v)) : v;
      }),
      number_kernel<Sign>([](auto v) {
        return v > 0 ? decltype(v){1} : v < 0 ? static_cast<decltype(v)>(-1) : v;
      }),
      float_kernel<Sigmoid>([](double v) {
        if (v >= 0) return 1 / (1 + std::exp(-v));
        const double e = std::exp(v);
        return e / (1 + e);
      }),
      float_kernel<Tanh>([](double v) { return std::tanh(v); }),
      float_kernel<Exp>([](double v) { return std::exp(v); }),
      float_kernel<Log>([](double v) { return std::log(v); }),
      float_kernel<Sqrt>([](double v) { return std::sqrt(v); }),
      float_kernel<Reciprocal>([](double v) { return 1 / v; }),
      float_kernel<Floor>([](double v) { return std::floor(v); }),
      float_kernel<Ceil>([](double v) { return std::ceil(v); }),
      float_kernel<Round>([](double v) { return std::nearbyint(v); }),  // halves to even
      float_kernel<Erf>([](double v) { return std::erf(v); }),
      float_kernel<Sin>([](double v) { return std::sin(v); }),
      float_kernel<Cos>([](double v) { return std::cos(v); }),
      float_kernel<Tan>([](double v) { return std::tan(v); }),
      float_kernel<Asin>([](double v) { return std::asin(v); }),
      float_kernel<Acos>([](double v) { return std::acos(v); }),
      float_kernel<Atan>([](double v) { return std::atan(v); }),
      float_kernel<Sinh>([](double v) { return std::sinh(v); }),
      float_kernel<Cosh>([](double v) { return std::cosh(v); }),
      float_kernel<Asinh>([](double v) { return std::asinh(v); }),
      float_kernel<Acosh>([](double v) { return std::acosh(v); }),
      float_kernel<Atanh>([](double v) { return std::atanh(v); }),
      float_kernel<Softplus>([](double v) { return softplus(v); }),
      float_kernel<Softsign>([](double v) { return v / (1 + std::fabs(v)); }),
      float_kernel<HardSwish>(
          [](double v) { return v * std::max(0.0, std::min(1.0, v / 6 + 0.5)); }),
      float_kernel<Mish>([](double v) { return v * std::tanh(softplus(v)); }),
      kernel<Not>([](RefContext& c) {
        return map_elements<int64_t>(c, [](int64_t v) { return v == 0 ? 1 : 0; });
      }),
      kernel<BitwiseNot>(
          [](RefContext& c) { return map_elements<int64_t>(c, [](int64_t v) { return ~v; }); }),
      kernel<IsNaN>(run_is_nan),
      kernel<IsInf>(run_is_inf),
  };
  return kernels;
}

}  // namespace tenon::ops
