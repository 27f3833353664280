#include "ops/transpose/transpose.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_transpose(RefContext& c) {
  const Tensor& x = c.input(0);
  const auto perm = c.as<Transpose>().perm;
  const Dims strides = strides_of(x.shape());
  const size_t rank = strides.size();
  if (perm && perm->size() != rank) return c.fail("perm does not fit the input");
  Dims dims, from;
  for (size_t i = 0; i < rank; ++i) {
    const size_t axis = perm ? TRY(axis_at(c, (*perm)[i], rank)) : rank - 1 - i;
    dims.push_back(x.shape()[axis]);
    from.push_back(strides[axis]);
  }
  c.outputs[0] = TRY(strided_copy(c, x, dims, from));
  return {};
}

}  // namespace

std::span<const RefKernel> transpose_ref() {
  static constexpr RefKernel kernels[] = {kernel<Transpose>(run_transpose)};
  return kernels;
}

}  // namespace tenon::ops
