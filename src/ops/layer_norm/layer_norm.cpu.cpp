// LayerNormalization over the last axes.
#include "ops/layer_norm/layer_norm.h"

#include <array>

#include "ir/op.h"
#include "ops/layer_norm/layer_norm.kernel.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace layer_norm_kernels {
namespace {

bool supports(const ir::Node& node) {
  if (node.outputs().size() > 1 && !node.output(1)->uses.empty()) return false;
  if (node.outputs().size() > 2 && !node.output(2)->uses.empty()) return false;
  for (const ir::Value* v : node.inputs()) {
    if (v != nullptr && v->dtype() != DType::f32) return false;
  }
  return node.output()->dtype() == DType::f32;
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<LayerNormalization>();
  const Dims& dims = context.in(0).dims;
  const auto axis = ir::normalize_axis(op.axis, dims.size());
  if (!axis) return context.refuse("an axis out of range");
  const int64_t n = element_count(std::span(dims).subspan(*axis));
  const int64_t rows = element_count(std::span(dims).first(*axis));
  for (size_t i : {1, 2}) {
    if (context.has(i) && context.in(i).count() != n)
      return context.refuse("a scale or bias that broadcasts");
  }
  cpu::Prepared prepared;
  prepared.in_place = 1;
  const bool bias = context.has(2);
  prepared.run = [=, epsilon = op.epsilon,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(n, 1));
    cpu::parallel_for(rows, grain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        layer_norm_row(args.f32(0) + r * n, args.f32(1), bias ? args.f32(2) : nullptr,
                       args.f32_out() + r * n, static_cast<size_t>(n), epsilon);
      }
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "LayerNormalization", .tactic = "rows", .supports = supports, .make = make},
};

}  // namespace
}  // namespace layer_norm_kernels

std::span<const cpu::KernelSpec> layer_norm_cpu() { return layer_norm_kernels::kKernels; }

}  // namespace tenon::ops
