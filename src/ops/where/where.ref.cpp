#include "ops/where/where.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_where(RefContext& c) {
  const Tensor &condition = c.input(0), &x = c.input(1), &y = c.input(2);
  const Dims both = TRY(broadcast_dims(c, x.shape(), y.shape()));
  const Dims dims = TRY(broadcast_dims(c, condition.shape(), both));
  const size_t size = TRY(element_size(c, x.dtype()));
  Tensor out = TRY(allocate(c, x.dtype(), dims));
  std::byte* to = out.mutable_bytes().data();
  for_broadcast<3>(dims,
                   {broadcast_strides(condition.shape(), dims), broadcast_strides(x.shape(), dims),
                    broadcast_strides(y.shape(), dims)},
                   [&](int64_t i, const std::array<int64_t, 3>& at) {
                     const bool yes = condition.data()[at[0]] != std::byte{0};
                     const std::byte* from = yes ? x.data() + at[1] * static_cast<int64_t>(size)
                                                 : y.data() + at[2] * static_cast<int64_t>(size);
                     std::memcpy(to + i * static_cast<int64_t>(size), from, size);
                   });
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> where_ref() {
  static constexpr RefKernel kernels[] = {kernel<Where>(run_where)};
  return kernels;
}

}  // namespace tenon::ops
