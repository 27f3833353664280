#include "ops/concat/concat.h"

#include "ops/common/ref_join.h"

namespace tenon::ops {
namespace {

Status run_concat(RefContext& c) {
  const size_t axis = TRY(axis_at(c, c.as<Concat>().axis, c.input(0).shape().size()));
  c.outputs[0] = TRY(join(c, c.inputs, axis));
  return {};
}

}  // namespace

std::span<const RefKernel> concat_ref() {
  static constexpr RefKernel kernels[] = {kernel<Concat>(run_concat)};
  return kernels;
}

}  // namespace tenon::ops
