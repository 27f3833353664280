// Programs of elementwise float operations, run in one pass over tiles that stay in the L1 cache.
//
// A program is a list of instructions in static single assignment: instruction i defines value
// (inputs + i); the last one's value is the result. Inputs broadcast to the result's shape.
#pragma once

#include <optional>
#include <vector>

#include "targets/cpu/kernel.h"
#include "targets/cpu/lowered.h"

namespace tenon::cpu {

enum class PointOp : uint8_t {
  // of two values
  add,
  sub,
  mul,
  div,
  min,
  max,
  pow,
  // of one value and parameters p, q, named as in PostOp
  relu,
  clip,
  logistic,
  tanh,
  elu,
  gelu_erf,
  gelu_tanh,
  swish,
  hardswish,
  hardsigmoid,
  linear,
  selu,
  exp,
  log,
  sqrt,
  reciprocal,
  neg,
  abs,
  floor,
  ceil,
  round,
  erf,
  softplus,
  softsign,
  mish,
  sin,
  cos,
  count
};

struct PointInstruction {
  PointOp op = PointOp::add;
  int a = 0;
  int b = -1;  // -1: an operation of one value
  float p = 0, q = 0;
};

using PointProgram = std::vector<PointInstruction>;

Pointwise encode(const PointProgram& program);
// Fails where the program is not well formed for this many inputs.
Result<PointProgram> decode(const Pointwise& op, size_t inputs);

// The operation of a canonical node, operands numbered by the node's inputs; nullopt where it is
// not elementwise on f32 or has no instruction.
std::optional<PointInstruction> as_point_instruction(const ir::Node& node);

Result<Prepared> make_pointwise(MakeContext& context);

// out[i] = op(a[i], b[i]) for i in [0, n); out may be a or b.
using PointKernel = void (*)(const float* a, const float* b, float* out, size_t n, float p,
                             float q);
PointKernel point_kernel(PointOp op);

}  // namespace tenon::cpu
