#include "ops/common/ref_join.h"

#include <cstring>

namespace tenon::ops {

Result<Tensor> join(const RefContext& context, std::span<const Tensor* const> parts, size_t axis) {
  Dims dims = parts[0]->shape();
  dims[axis] = 0;
  for (const Tensor* part : parts) {
    Dims other = part->shape();
    if (other.size() != dims.size()) return context.fail("the parts have other ranks");
    const int64_t own = other[axis];
    other[axis] = dims[axis];
    if (other != dims) return context.fail("the parts' shapes do not fit each other");
    dims[axis] += own;
  }
  const size_t size = TRY(element_size(context, parts[0]->dtype()));
  Tensor out = TRY(allocate(context, parts[0]->dtype(), dims));
  const int64_t outer = extent(dims, 0, axis);
  std::byte* to = out.mutable_bytes().data();
  for (int64_t row = 0; row < outer; ++row) {
    for (const Tensor* part : parts) {
      const size_t bytes = static_cast<size_t>(extent(part->shape(), axis, dims.size())) * size;
      if (bytes != 0) std::memcpy(to, part->data() + static_cast<size_t>(row) * bytes, bytes);
      to += bytes;
    }
  }
  return out;
}

Result<Tensor> cut(const RefContext& context, const Tensor& whole, size_t axis, int64_t first,
                   int64_t count) {
  Dims dims = whole.shape();
  if (first < 0 || count < 0 || count > dims[axis] || first > dims[axis] - count)
    return context.fail("a part lies outside the whole");
  dims[axis] = count;
  const Dims strides = strides_of(whole.shape());
  return strided_copy(context, whole, dims, strides, first * strides[axis]);
}

}  // namespace tenon::ops
