// What the operators' lowerings share: short names for common emissions, and PyTorch's rules on
// dimensions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "torch/lowering.h"

namespace tenon::ops {

using Sizes = ir::Shape;  // ops::Shape is the operator

namespace lower {

using torch::LowerContext;
using V = ir::Value;

// --- emission
V* add(LowerContext& c, V* a, V* b);
V* sub(LowerContext& c, V* a, V* b);
V* mul(LowerContext& c, V* a, V* b);
V* div(LowerContext& c, V* a, V* b);
V* where(LowerContext& c, V* condition, V* yes, V* no);
// A 0-d constant of x's type.
V* like(LowerContext& c, V* x, double value);
V* unsqueeze(LowerContext& c, V* x, std::vector<int64_t> axes);
V* squeeze(LowerContext& c, V* x, std::vector<int64_t> axes);
V* transpose(LowerContext& c, V* x, std::vector<int64_t> permutation);
V* reshape(LowerContext& c, V* x, const Sizes& sizes);
V* expand(LowerContext& c, V* x, const Sizes& sizes);
V* slice(LowerContext& c, V* x, int64_t axis, const ir::Dim& start, const ir::Dim& stop,
         int64_t step = 1);
V* concat(LowerContext& c, std::vector<V*> parts, int64_t axis);
V* gather(LowerContext& c, V* x, V* indices, int64_t axis);
V* matmul(LowerContext& c, V* a, V* b);
// The same of any integers too: those that ONNX does not multiply are computed in a wider type.
V* product(LowerContext& c, V* a, V* b);
V* softmax(LowerContext& c, V* x, int64_t axis);
// ReduceSum, ReduceMax... over these axes; the value itself where there are none.
V* reduce(LowerContext& c, const char* op, V* x, const std::vector<int64_t>& axes, bool keepdims);
// The p-norm over these axes; p may be 0 (how many are not zero) or infinite.
V* vector_norm(LowerContext& c, V* x, double p, const std::vector<int64_t>& axes, bool keepdims);
// A tensor of one value.
V* filled(LowerContext& c, const Sizes& sizes, double value, DType dtype);
// Integers and booleans as f32, PyTorch's default; others as they are.
V* floating(LowerContext& c, V* x);
// 1-d i64 constant, or a matrix in row order.
V* int_table(LowerContext& c, const std::vector<int64_t>& values, Dims shape);
V* float_table(LowerContext& c, const std::vector<double>& values, Dims shape, DType dtype);

// --- PyTorch's operators by name, for those that are formulas of others
torch::Value applied(LowerContext& c, const std::string& op, std::vector<torch::Value> arguments);
// What a call gave, as a lowering's result.
V* result(LowerContext& c, const torch::Value& value);

// --- dimensions
size_t rank(LowerContext& c, V* x);
Sizes sizes(LowerContext& c, V* x);
// A dimension that may be negative; 0-d tensors count as having one. Refuses what is out of range.
std::optional<int64_t> axis(LowerContext& c, int64_t value, size_t rank);
std::optional<int64_t> axis(LowerContext& c, std::string_view name, V* x);
// The dimensions that an argument names, sorted; all where it is None or empty.
std::optional<std::vector<int64_t>> axes(LowerContext& c, std::string_view name, V* x);
std::vector<int64_t> all_axes(size_t rank);
// The permutation that moves one axis to another place.
std::vector<int64_t> moved(size_t rank, int64_t from, int64_t to);
std::vector<int64_t> inverse(const std::vector<int64_t>& permutation);
// Number of elements along the axes, as a 0-d value of the type.
V* count(LowerContext& c, V* x, const std::vector<int64_t>& axes, DType dtype);
// The shape that these broadcast to; refuses where they do not.
std::optional<Sizes> broadcast(LowerContext& c, const std::vector<Sizes>& shapes);
// Runs f on x with a leading dimension added where x lacks the batch dimension of this rank, and
// takes it off the results again.
V* batched(LowerContext& c, V* x, size_t rank, const std::function<std::vector<V*>(V*)>& f);

}  // namespace lower
}  // namespace tenon::ops
