#include "ops/range/range.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class C>
Status range_as(RefContext& c) {
  const C start = elements<C>(c.input(0))[0], limit = elements<C>(c.input(1))[0],
          delta = elements<C>(c.input(2))[0];
  const double n = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) /
                             static_cast<double>(delta));
  if (delta == 0 || !(n < 0x1p40)) return c.fail("the range has no end");
  const auto count = static_cast<int64_t>(std::max(n, 0.0));
  const DType dtype = c.input(0).dtype();
  TRY(check_size(c, dtype, std::vector{count}));
  std::vector<C> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(start + static_cast<C>(i) * delta);
  c.outputs[0] = from_elements<C>(dtype, {count}, out);
  return {};
}

Status run_range(RefContext& c) {
  TRY(need_computable(c));
  for (const Tensor* input : c.inputs) {
    if (input->count() != 1) return c.fail("an input is not one number");
  }
  return is_integral(c.input(0).dtype()) ? range_as<int64_t>(c) : range_as<double>(c);
}

}  // namespace

std::span<const RefKernel> range_ref() {
  static constexpr RefKernel kernels[] = {kernel<Range>(run_range)};
  return kernels;
}

}  // namespace tenon::ops
