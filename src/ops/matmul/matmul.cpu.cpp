// cpu.MatMul (MatMul and Gemm with what was fused into them): oneDNN's matrix product.
#include <array>

#include "targets/cpu/kernel.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/onednn.h"
#include "targets/cpu/post_op.h"

namespace tenon::ops {
namespace matmul_kernels {
namespace {

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<cpu::FusedMatMul>();
  return cpu::onednn::matmul(context, {.trans_a = op.trans_a,
                                       .trans_b = op.trans_b,
                                       .alpha = op.alpha,
                                       .post = cpu::decode(op.post)});
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = cpu::FusedMatMul::kName, .tactic = "onednn", .make = make, .domain = cpu::kDomain},
};

}  // namespace
}  // namespace matmul_kernels

std::span<const cpu::KernelSpec> matmul_cpu() { return matmul_kernels::kKernels; }

}  // namespace tenon::ops
