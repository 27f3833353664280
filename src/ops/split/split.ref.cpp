#include "ops/split/split.h"

#include "ops/common/ref_join.h"

namespace tenon::ops {
namespace {

Status run_split(RefContext& c) {
  const auto op = c.as<Split>();
  const Tensor& x = c.input(0);
  const size_t axis = TRY(axis_at(c, op.axis, x.shape().size()));
  const auto n = static_cast<int64_t>(c.outputs.size());
  const int64_t whole = x.shape()[axis];
  std::vector<int64_t> sizes;
  if (c.has(1)) {
    sizes = TRY(integer_input(c, 1));
  } else {
    const int64_t chunk = (whole + n - 1) / n;
    sizes.assign(static_cast<size_t>(n), chunk);
    sizes.back() = whole - chunk * (n - 1);
  }
  if (static_cast<int64_t>(sizes.size()) != n)
    return c.fail(fmt::format("{} sizes for {} outputs", sizes.size(), n));
  int64_t first = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    c.outputs[i] = TRY(cut(c, x, axis, first, sizes[i]));
    first += sizes[i];
  }
  if (first != whole) return c.fail("the parts' sizes do not sum up to the whole");
  return {};
}

}  // namespace

std::span<const RefKernel> split_ref() {
  static constexpr RefKernel kernels[] = {kernel<Split>(run_split)};
  return kernels;
}

}  // namespace tenon::ops
