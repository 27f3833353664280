#include "ops/compare/compare.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class Op, class F>
constexpr RefKernel compare_kernel(F) {
  return kernel<Op>([](RefContext& c) {
    const DType dtype = c.input(0).dtype();
    if (dtype == DType::u64) return map_broadcast<uint64_t>(c, DType::boolean, F{});
    if (!is_floating(dtype)) return map_broadcast<int64_t>(c, DType::boolean, F{});
    return map_broadcast<double>(c, DType::boolean, F{});
  });
}

}  // namespace

std::span<const RefKernel> compare_ref() {
  static constexpr RefKernel kernels[] = {
      compare_kernel<Equal>([](auto a, auto b) { return a == b; }),
      compare_kernel<Greater>([](auto a, auto b) { return a > b; }),
      compare_kernel<Less>([](auto a, auto b) { return a < b; }),
      compare_kernel<GreaterOrEqual>([](auto a, auto b) { return a >= b; }),
      compare_kernel<LessOrEqual>([](auto a, auto b) { return a <= b; }),
  };
  return kernels;
}

}  // namespace tenon::ops
