#include "ops/flatten/flatten.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_flatten(RefContext& c) {
  const Tensor& x = c.input(0);
  const auto rank = static_cast<int64_t>(x.shape().size());
  int64_t axis = c.as<Flatten>().axis;
  if (axis < -rank || axis > rank) return c.fail("the axis is out of range");
  if (axis < 0) axis += rank;
  const auto middle = static_cast<size_t>(axis);
  c.outputs[0] =
      x.reshaped({extent(x.shape(), 0, middle), extent(x.shape(), middle, x.shape().size())});
  return {};
}

}  // namespace

std::span<const RefKernel> flatten_ref() {
  static constexpr RefKernel kernels[] = {kernel<Flatten>(run_flatten)};
  return kernels;
}

}  // namespace tenon::ops
