// Quantised tensors: how they become real ones and back, and what operators do with them.
//
// Operators on quantised numbers are computed on the real numbers that those stand for, between
// DequantizeLinear and QuantizeLinear: PyTorch's result, or one step beside it where a value lies
// so near the middle between two steps that the rounding of the computation decides.
#pragma once

#include "torch/machine.h"

namespace tenon::torch {

QuantiserRef per_tensor(double scale, double zero_point);
// The quantiser of a number and an integer, which may be computed by the graph.
Result<QuantiserRef> per_tensor(Machine& m, const Value& scale, const Value& zero_point,
                                DType dtype);

// The real numbers, f32; a tensor that is not quantised, None and Poison stay what they are.
Result<Value> dequantised(Machine& m, const Value& tensor);
// A tensor of real numbers as a quantised one of the type; Poison stays what it is.
Result<Value> quantised(Machine& m, const Value& real, const QuantiserRef& quantiser, DType dtype);

// A call with quantised arguments of an operator that is not of quantised tensors alone; nullopt
// where the call is another.
Result<std::optional<Value>> call_quantised(Machine& m, const Schema& schema,
                                            std::vector<Value>& arguments);
// Whether the value is a quantised tensor, or a list that holds one.
bool is_quantised(const Machine& m, const Value& value);

}  // namespace tenon::torch
