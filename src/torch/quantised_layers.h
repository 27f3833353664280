// What layers with packed parameters share (quantised_operators.cpp, quantised_recurrent.cpp).
#pragma once

#include "torch/packed_params.h"

namespace tenon::torch {

// A linear layer whose input is rounded to 8 bits by its own range first, or in half precision is
// not: what dynamic quantisation computes.
Result<Value> dynamic_linear(Machine& m, const PackedLinear& linear, const Value& x,
                             bool reduce_range);

std::span<const Builtin> recurrent_builtins();  // quantised_recurrent.cpp

}  // namespace tenon::torch
