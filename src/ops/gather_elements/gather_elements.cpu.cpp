// GatherElements, element by element.
#include "ops/gather_elements/gather_elements.h"

#include <array>

#include "ops/common/along_axis.kernel.h"
#include "ops/common/scatter.kernel.h"

namespace tenon::ops {
namespace gather_elements_kernels {
namespace {

bool supports(const ir::Node& node) {
  return node.input(0)->type.is_tensor() && cpu::are_indices(node.input(1)) &&
         scatters("none", node.input(0)->dtype());
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &x = context.in(0), &which = context.in(1);
  auto places = along_axis(context.node.as<GatherElements>().axis, x.dims, which.dims);
  if (!places) return context.refuse("indices that do not fit the data");
  cpu::Prepared prepared;
  prepared.scratch = static_cast<size_t>(which.count()) * sizeof(int64_t);
  prepared.run = [places = std::make_shared<AlongAxis>(std::move(*places)), type = x.dtype,
                  wide = which.dtype == DType::i64,
                  threads = context.threads](const cpu::Args& args) -> Status {
    auto* at = reinterpret_cast<int64_t*>(args.scratch);
    TRY(places->read("GatherElements", {args.in[1], wide}, at));
    visit_scatter("none", type, [&]<class T>(T, const auto&) {
      const auto* x = reinterpret_cast<const T*>(args.in[0]);
      auto* y = reinterpret_cast<T*>(args.out[0]);
      places->for_each(at, threads, [=](int64_t i, int64_t from) { y[i] = x[from]; });
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "GatherElements", .tactic = "copy", .supports = supports, .make = make},
};

}  // namespace
}  // namespace gather_elements_kernels

std::span<const cpu::KernelSpec> gather_elements_cpu() { return gather_elements_kernels::kKernels; }

}  // namespace tenon::ops
