// InstanceNormalization of row-major tensors: each channel is a group.
#include "ops/instance_norm/instance_norm.h"

#include <array>

#include "ops/group_norm/group_norm.kernel.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace instance_norm_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::all_of_type(node, DType::f32); }

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<InstanceNormalization>();
  const Dims& dims = context.in(0).dims;
  return make_groups(context, dims.size() < 2 ? 0 : dims[1], op.epsilon);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "InstanceNormalization", .tactic = "groups", .supports = supports, .make = make},
};

}  // namespace
}  // namespace instance_norm_kernels

std::span<const cpu::KernelSpec> instance_norm_cpu() { return instance_norm_kernels::kKernels; }

}  // namespace tenon::ops
