#include "ops/scatter_elements/scatter_elements.h"

#include "ops/common/ref_scatter.h"

namespace tenon::ops {
namespace {

Status run_scatter_elements(RefContext& c) {
  const auto op = c.as<ScatterElements>();
  const Dims &dims = c.input(0).shape(), &at = c.input(1).shape();
  const size_t axis = TRY(axis_at(c, op.axis, dims.size()));
  const auto indices = TRY(integer_input(c, 1));
  if (at.size() != dims.size() || c.input(2).shape() != at)
    return c.fail("data, indices and updates do not fit each other");
  for (size_t d = 0; d < dims.size(); ++d) {
    if (d != axis && at[d] > dims[d]) return c.fail("the indices reach outside the data");
  }
  Dims strides = strides_of(dims);
  const int64_t step = strides[axis], n = dims[axis];
  strides[axis] = 0;
  const auto bases = offsets(at, strides);
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < -n || indices[i] >= n)
      return c.fail(fmt::format("index {} is outside an axis of size {}", indices[i], n));
    pairs.emplace_back(bases[i] + (indices[i] < 0 ? indices[i] + n : indices[i]) * step,
                       static_cast<int64_t>(i));
  }
  return scatter_into(c, op.reduction, pairs);
}

}  // namespace

std::span<const RefKernel> scatter_elements_ref() {
  static constexpr RefKernel kernels[] = {kernel<ScatterElements>(run_scatter_elements)};
  return kernels;
}

}  // namespace tenon::ops
