#include "ops/binary/binary.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// Integers wrap: arithmetic on uint64_t, then cut to the type.
template <class Op, class F>
constexpr RefKernel arithmetic_kernel(F) {
  return kernel<Op>([](RefContext& c) {
    const DType dtype = c.input(0).dtype();
    if (is_integral(dtype)) return map_broadcast<uint64_t>(c, dtype, F{});
    return map_broadcast<double>(c, dtype, F{});
  });
}

template <class Op, class F>
constexpr RefKernel bit_kernel(F) {
  return kernel<Op>(
      [](RefContext& c) { return map_broadcast<uint64_t>(c, c.input(0).dtype(), F{}); });
}

Status need_divisor(const RefContext& c) {
  if (!is_integral(c.input(0).dtype())) return {};
  for (uint64_t v : elements<uint64_t>(c.input(1))) {
    if (v == 0) return c.fail("an integer is divided by 0");
  }
  return {};
}

Status run_div(RefContext& c) {
  const DType dtype = c.input(0).dtype();
  TRY(need_computable(c));
  TRY(need_divisor(c));
  if (dtype == DType::u64)
    return map_broadcast<uint64_t>(c, dtype, [](uint64_t a, uint64_t b) { return a / b; });
  if (is_integral(dtype)) {
    return map_broadcast<int64_t>(c, dtype, [](int64_t a, int64_t b) {
      return b == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : a / b;
    });
  }
  return map_broadcast<double>(c, dtype, [](double a, double b) { return a / b; });
}

Status run_mod(RefContext& c) {
  const DType dtype = c.input(0).dtype();
  const bool fmod = c.as<Mod>().fmod;
  TRY(need_computable(c));
  TRY(need_divisor(c));
  if (dtype == DType::u64)
    return map_broadcast<uint64_t>(c, dtype, [](uint64_t a, uint64_t b) { return a % b; });
  if (is_integral(dtype)) {
    return map_broadcast<int64_t>(c, dtype, [=](int64_t a, int64_t b) {
      const int64_t r = b == -1 ? 0 : a % b;
      return !fmod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
    });
  }
  return map_broadcast<double>(c, dtype, [](double a, double b) { return std::fmod(a, b); });
}

uint64_t integer_power(uint64_t base, uint64_t exponent) {
  uint64_t out = 1;
  for (; exponent != 0; exponent >>= 1, base *= base) {
    if (exponent & 1) out *= base;
  }
  return out;
}

Status run_pow(RefContext& c) {
  const DType dtype = c.input(0).dtype(), exponent = c.input(1).dtype();
  if (is_integral(dtype) && is_integral(exponent)) {
    return map_broadcast<int64_t>(c, dtype, [](int64_t a, int64_t b) -> int64_t {
      if (b >= 0)
        return static_cast<int64_t>(
            integer_power(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
      return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
    });
  }
  return map_broadcast<double>(c, dtype, [](double a, double b) { return std::pow(a, b); });
}

Status run_bit_shift(RefContext& c) {
  const bool left = c.as<BitShift>().direction == "LEFT";
  const DType dtype = c.input(0).dtype();
  const auto width = static_cast<uint64_t>(bits(dtype));
  const bool is_signed =
      dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32 || dtype == DType::i64;
  return map_broadcast<uint64_t>(c, dtype, [=](uint64_t a, uint64_t b) -> uint64_t {
    if (left) return b >= width ? 0 : a << b;
    if (is_signed)
      return static_cast<uint64_t>(static_cast<int64_t>(a) >> std::min<uint64_t>(b, 63));
    return b >= width ? 0 : a >> b;
  });
}

}  // namespace

std::span<const RefKernel> binary_ref() {
  static constexpr RefKernel kernels[] = {
      arithmetic_kernel<Add>([](auto a, auto b) { return a + b; }),
      arithmetic_kernel<Sub>([](auto a, auto b) { return a - b; }),
      arithmetic_kernel<Mul>([](auto a, auto b) { return a * b; }),
      kernel<Div>(run_div),
      kernel<Mod>(run_mod),
      kernel<Pow>(run_pow),
      bit_kernel<And>([](uint64_t a, uint64_t b) { return a & b; }),
      bit_kernel<Or>([](uint64_t a, uint64_t b) { return a | b; }),
      bit_kernel<Xor>([](uint64_t a, uint64_t b) { return a ^ b; }),
      bit_kernel<BitwiseAnd>([](uint64_t a, uint64_t b) { return a & b; }),
      bit_kernel<BitwiseOr>([](uint64_t a, uint64_t b) { return a | b; }),
      bit_kernel<BitwiseXor>([](uint64_t a, uint64_t b) { return a ^ b; }),
      kernel<BitShift>(run_bit_shift),
  };
  return kernels;
}

}  // namespace tenon::ops
