#include "ops/identity/identity.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_identity(RefContext& c) {
  if (const auto* sequence = c.sequence_input(0))
    c.sequence = *sequence;
  else
    c.outputs[0] = c.input(0);
  return {};
}

}  // namespace

std::span<const RefKernel> identity_ref() {
  static constexpr RefKernel kernels[] = {kernel<Identity>(run_identity)};
  return kernels;
}

}  // namespace tenon::ops
