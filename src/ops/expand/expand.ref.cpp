#include "ops/expand/expand.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_expand(RefContext& c) {
  const Tensor& x = c.input(0);
  const Dims dims = TRY(broadcast_dims(c, x.shape(), TRY(integer_input(c, 1))));
  c.outputs[0] = TRY(strided_copy(c, x, dims, broadcast_strides(x.shape(), dims)));
  return {};
}

}  // namespace

std::span<const RefKernel> expand_ref() {
  static constexpr RefKernel kernels[] = {kernel<Expand>(run_expand)};
  return kernels;
}

}  // namespace tenon::ops
