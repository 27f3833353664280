// Views and copies of tensors, shared by operators that are made of them.
#pragma once

#include "torch/machine.h"

namespace tenon::torch {

// The value as a tensor; fails where it is none.
Result<TensorRef> tensor_of(Machine& m, const Value& value);
// A dimension that the tensor has, from an index that may be negative: 0-d tensors have none.
Result<size_t> own_axis(Machine& m, const Value& value, const TensorRef& t);
// Fails where a size is negative.
Status check_sizes(const Machine& m, const Shape& sizes);
// Replaces a -1 among the sizes; checks the number of elements.
Result<Shape> infer_sizes(Machine& m, Shape sizes, const Dim& count);
// A view where PyTorch would give one; else a copy where `may_copy`.
Result<Value> reshape_tensor(Machine& m, const TensorRef& t, Shape sizes, bool may_copy);
Result<Value> permute_tensor(Machine& m, const TensorRef& t, std::vector<int64_t> order);
Result<Value> slice_tensor(Machine& m, const TensorRef& t, size_t axis, const Value& start,
                           const Value& stop, int64_t step);
Result<Value> select_tensor(Machine& m, const TensorRef& t, size_t axis, const Dim& index);
Result<Value> expand_tensor(Machine& m, const TensorRef& t, Shape sizes);

// --- copies.cpp
// A tensor of its own with the same contents.
Result<Value> copy_tensor(Machine& m, const Value& tensor);
// A copy that parts are about to be written to; memory that nobody has written yet stays so.
Result<TensorRef> canvas(Machine& m, const Value& value);
// The tensor after `source` was written to `part`, a view of it.
Result<Value> with_part(Machine& m, const TensorRef& whole, const Value& part, const Value& source);
// The tensor in another type; itself where it has that type and no copy is asked for.
Result<Value> convert_tensor(Machine& m, const TensorRef& t, std::optional<DType> dtype, bool copy);

// --- complex.cpp
// A complex tensor as its parts, in a last dimension of 2, and back: the same memory. A real tensor
// stays as it is.
TensorRef real_view(const TensorRef& t);
TensorRef complex_view(const TensorRef& t);

}  // namespace tenon::torch
