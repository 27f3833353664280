#include "ops/size/size.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_size(RefContext& c) {
  c.outputs[0] = Tensor::scalar_i64(c.input(0).count());
  return {};
}

}  // namespace

std::span<const RefKernel> size_ref() {
  static constexpr RefKernel kernels[] = {kernel<Size>(run_size)};
  return kernels;
}

}  // namespace tenon::ops
