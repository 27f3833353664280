#include "ops/gather_elements/gather_elements.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_gather_elements(RefContext& c) {
  const Tensor& x = c.input(0);
  const Dims &dims = x.shape(), &at = c.input(1).shape();
  const size_t axis = TRY(axis_at(c, c.as<GatherElements>().axis, dims.size()));
  const auto indices = TRY(integer_input(c, 1));
  if (at.size() != dims.size()) return c.fail("data and indices have other ranks");
  for (size_t d = 0; d < dims.size(); ++d) {
    if (d != axis && at[d] > dims[d]) return c.fail("the indices reach outside the data");
  }
  const size_t size = TRY(element_size(c, x.dtype()));
  Tensor out = TRY(allocate(c, x.dtype(), at));
  Dims strides = strides_of(dims);
  const int64_t step = strides[axis], n = dims[axis];
  strides[axis] = 0;
  const auto bases = offsets(at, strides);
  std::byte* to = out.mutable_bytes().data();
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < -n || indices[i] >= n)
      return c.fail(fmt::format("index {} is outside an axis of size {}", indices[i], n));
    const int64_t from = bases[i] + (indices[i] < 0 ? indices[i] + n : indices[i]) * step;
    std::memcpy(to + i * size, x.data() + static_cast<size_t>(from) * size, size);
  }
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> gather_elements_ref() {
  static constexpr RefKernel kernels[] = {kernel<GatherElements>(run_gather_elements)};
  return kernels;
}

}  // namespace tenon::ops
