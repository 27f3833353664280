#include "ops/gather/gather.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_gather(RefContext& c) {
  const Tensor &x = c.input(0), &which = c.input(1);
  const size_t axis = TRY(axis_at(c, c.as<Gather>().axis, x.shape().size()));
  auto indices = TRY(integer_input(c, 1));
  const int64_t n = x.shape()[axis];
  for (int64_t& index : indices) {
    if (index < -n || index >= n)
      return c.fail(fmt::format("index {} is outside an axis of size {}", index, n));
    if (index < 0) index += n;
  }
  Dims dims(x.shape().begin(), x.shape().begin() + static_cast<ptrdiff_t>(axis));
  dims.insert(dims.end(), which.shape().begin(), which.shape().end());
  dims.insert(dims.end(), x.shape().begin() + static_cast<ptrdiff_t>(axis) + 1, x.shape().end());
  const size_t size = TRY(element_size(c, x.dtype()));
  Tensor out = TRY(allocate(c, x.dtype(), dims));
  const auto inner = static_cast<size_t>(extent(x.shape(), axis + 1, x.shape().size())) * size;
  std::byte* to = out.mutable_bytes().data();
  if (inner != 0) {
    for (int64_t row = 0; row < extent(x.shape(), 0, axis); ++row) {
      for (int64_t index : indices) {
        std::memcpy(to, x.data() + static_cast<size_t>(row * n + index) * inner, inner);
        to += inner;
      }
    }
  }
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> gather_ref() {
  static constexpr RefKernel kernels[] = {kernel<Gather>(run_gather)};
  return kernels;
}

}  // namespace tenon::ops
