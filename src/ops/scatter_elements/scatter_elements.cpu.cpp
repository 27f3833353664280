// ScatterElements into a copy of the data, in the order of the updates.
#include "ops/scatter_elements/scatter_elements.h"

#include <array>

#include "ops/common/along_axis.kernel.h"
#include "ops/common/scatter.kernel.h"

namespace tenon::ops {
namespace scatter_elements_kernels {
namespace {

bool supports(const ir::Node& node) {
  return node.input(0)->type.is_tensor() && cpu::are_indices(node.input(1)) &&
         scatters(node.as<ScatterElements>().reduction, node.input(0)->dtype());
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &x = context.in(0), &which = context.in(1);
  const auto op = context.node.as<ScatterElements>();
  auto places = along_axis(op.axis, x.dims, which.dims);
  if (!places || context.in(2).dims != which.dims)
    return context.refuse("data, indices and updates that do not fit each other");
  cpu::Prepared prepared;
  prepared.accumulate = 0;
  prepared.scratch = static_cast<size_t>(which.count()) * sizeof(int64_t);
  prepared.run = [places = std::make_shared<AlongAxis>(std::move(*places)), type = x.dtype,
                  reduction = op.reduction, wide = which.dtype == DType::i64,
                  threads = context.threads](const cpu::Args& args) -> Status {
    auto* at = reinterpret_cast<int64_t*>(args.scratch);
    TRY(places->read("ScatterElements", {args.in[1], wide}, at));
    visit_scatter(reduction, type, [&]<class T>(T, const auto& combine) {
      auto* y = reinterpret_cast<T*>(args.out[0]);
      const auto* updates = reinterpret_cast<const T*>(args.in[2]);
      places->for_each(at, threads, [&](int64_t i, int64_t to) { combine(y[to], updates[i]); });
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "ScatterElements", .tactic = "elements", .supports = supports, .make = make},
};

}  // namespace
}  // namespace scatter_elements_kernels

std::span<const cpu::KernelSpec> scatter_elements_cpu() {
  return scatter_elements_kernels::kKernels;
}

}  // namespace tenon::ops
