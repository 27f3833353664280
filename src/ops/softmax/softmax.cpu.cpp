// Softmax and LogSoftmax along the last axis.
#include "ops/softmax/softmax.h"

#include <array>

#include "ir/op.h"
#include "ops/softmax/softmax.kernel.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace softmax_kernels {
namespace {

bool supports(const ir::Node& node) { return cpu::all_of_type(node, DType::f32); }

template <class Op>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims& dims = context.in(0).dims;
  const auto axis = ir::normalize_axis(context.node.as<Op>().axis, dims.size());
  if (!axis || element_count(std::span(dims).subspan(*axis + 1)) != 1)
    return context.refuse("an axis that is not the last");
  const int64_t n = dims[*axis], rows = element_count(std::span(dims).first(*axis));
  cpu::Prepared prepared;
  prepared.in_place = 1;
  prepared.run = [n, rows, threads = context.threads](const cpu::Args& args) -> Status {
    const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(n, 1));
    cpu::parallel_for(rows, grain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* x = args.f32(0) + r * n;
        float* y = args.f32_out() + r * n;
        if constexpr (std::is_same_v<Op, Softmax>)
          softmax_row(x, y, static_cast<size_t>(n), 1, false);
        else
          log_softmax_row(x, y, static_cast<size_t>(n));
      }
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Softmax", .tactic = "rows", .supports = supports, .make = make<Softmax>},
    cpu::KernelSpec{
        .op = "LogSoftmax", .tactic = "rows", .supports = supports, .make = make<LogSoftmax>},
};

}  // namespace
}  // namespace softmax_kernels

std::span<const cpu::KernelSpec> softmax_cpu() { return softmax_kernels::kKernels; }

}  // namespace tenon::ops
