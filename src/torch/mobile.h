// Operators that torch.utils.mobile_optimizer.optimize_for_mobile puts into a program: convolutions
// and linear layers whose weights it has packed for XNNPACK, with their clamp.
#pragma once

#include "torch/machine.h"

namespace tenon::torch {

std::span<const Builtin> mobile_builtins();

}  // namespace tenon::torch
