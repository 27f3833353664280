// What the operators of quantised tensors share (quantised_operators.cpp, quantised_layers.cpp,
// quantised_recurrent.cpp).
#pragma once

#include "torch/packed_params.h"

namespace tenon::torch {

// A linear layer whose input is rounded to 8 bits by its own range first, or in half precision is
// not: what dynamic quantisation computes.
Result<Value> dynamic_linear(Machine& m, const PackedLinear& linear, const Value& x,
                             bool reduce_range);

// The argument of this name; None where the overload has none.
Value argument(const Schema& schema, const std::vector<Value>& arguments, std::string_view name);
Result<TensorRef> quantised_of(Machine& m, const Value& value, const Schema& schema);
// Records that the operator cannot be converted, and gives what stands for its results.
Value refuse(Machine& m, const Schema& schema, const std::string& why,
             const std::string& hint = "dequantise its arguments: x.dequantize()");
// The value, or relu of it where the operator's name says so.
Result<Value> with_relu(Machine& m, const Schema& schema, Value value);
// The result of an operator in its scale and zero point, the arguments of these names.
Result<Value> in_scale(Machine& m, const Schema& schema, const std::vector<Value>& args,
                       const Value& real, DType dtype, std::string_view scale = "output_scale",
                       std::string_view point = "output_zero_point");
// x quantised to u8 by its own range: what a dynamically quantised layer computes with.
Result<Value> rounded(Machine& m, const Value& x, bool reduce_range);

std::span<const Builtin> layer_builtins();      // quantised_layers.cpp
std::span<const Builtin> recurrent_builtins();  // quantised_recurrent.cpp

}  // namespace tenon::torch
