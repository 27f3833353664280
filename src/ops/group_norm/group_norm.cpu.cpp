// GroupNormalization of row-major tensors.
#include "ops/group_norm/group_norm.h"

#include <array>

#include "ops/group_norm/group_norm.kernel.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {

Result<cpu::Prepared> make_groups(cpu::MakeContext& context, int64_t groups, float epsilon) {
  const Dims& dims = context.in(0).dims;
  if (dims.size() < 2 || context.in(0).count() == 0) return context.refuse("an empty tensor");
  const int64_t channels = dims[1];
  if (groups < 1 || channels % groups != 0 || context.in(1).count() != channels ||
      context.in(2).count() != channels)
    return context.refuse("a scale or groups that do not fit the channels");
  const int64_t inner = element_count(std::span(dims).subspan(2)), each = channels / groups;
  cpu::Prepared prepared;
  prepared.in_place = 1;
  prepared.run = [=, rows = dims[0] * groups,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const int64_t size = each * inner;
    cpu::parallel_for(
        rows, std::max<int64_t>(1, 8192 / size), threads, [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            const int64_t first = r % groups * each;
            norm_group(args.f32(0) + r * size, args.f32(1) + first, args.f32(2) + first,
                       args.f32_out() + r * size, static_cast<size_t>(each),
                       static_cast<size_t>(inner), epsilon);
          }
        });
    return {};
  };
  return prepared;
}

namespace group_norm_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::all_of_type(node, DType::f32); }

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<GroupNormalization>();
  return make_groups(context, op.num_groups, op.epsilon);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "GroupNormalization", .tactic = "groups", .supports = supports, .make = make},
};

}  // namespace
}  // namespace group_norm_kernels

std::span<const cpu::KernelSpec> group_norm_cpu() { return group_norm_kernels::kKernels; }

}  // namespace tenon::ops
