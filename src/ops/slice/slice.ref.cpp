#include "ops/slice/slice.h"

#include <limits>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_slice(RefContext& c) {
  const Tensor& x = c.input(0);
  const size_t rank = x.shape().size();
  const auto starts = TRY(integer_input(c, 1)), ends = TRY(integer_input(c, 2));
  std::vector<int64_t> axes(starts.size()), steps(starts.size(), 1);
  std::iota(axes.begin(), axes.end(), 0);
  if (c.has(3)) axes = TRY(integer_input(c, 3));
  if (c.has(4)) steps = TRY(integer_input(c, 4));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return c.fail("starts, ends, axes and steps have other lengths");
  Dims dims = x.shape(), strides = strides_of(dims);
  int64_t offset = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = TRY(axis_at(c, axes[i], rank));
    const int64_t size = x.shape()[axis];
    // No step reaches further than the tensor, so larger ones are all the same.
    const int64_t step = std::clamp<int64_t>(steps[i], -size - 1, size + 1);
    if (step == 0) return c.fail("a step is 0");
    auto from_front = [&](int64_t index) {
      return index < 0 && index > std::numeric_limits<int64_t>::min() + size ? index + size : index;
    };
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    const int64_t start = std::clamp(from_front(starts[i]), int64_t{0}, std::max<int64_t>(high, 0));
    const int64_t end = std::clamp(from_front(ends[i]), low, std::max(low, high));
    const int64_t distance = step > 0 ? end - start : start - end, by = std::abs(step);
    dims[axis] = size == 0 || distance <= 0 ? 0 : (distance + by - 1) / by;
    offset += start * strides[axis];
    strides[axis] *= step;
  }
  c.outputs[0] = TRY(strided_copy(c, x, dims, strides, offset));
  return {};
}

}  // namespace

std::span<const RefKernel> slice_ref() {
  static constexpr RefKernel kernels[] = {kernel<Slice>(run_slice)};
  return kernels;
}

}  // namespace tenon::ops
