// What the operators' inference functions share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "ir/op.h"

namespace tenon::ops {

using ir::Dim;
using ir::InferContext;
using Sizes = ir::Shape;  // ops::Shape is the operator
using Contents = std::optional<std::vector<Dim>>;

// Contents of more elements than this are not followed.
inline constexpr size_t kMaxContents = 256;

// The entry of an operator without further wishes.
template <class Op>
constexpr ir::OpSpec spec(int min_inputs, int max_inputs, Status (*infer)(InferContext&),
                          int min_outputs = 1, int max_outputs = 1) {
  return {.name = Op::kName,
          .min_inputs = min_inputs,
          .max_inputs = max_inputs,
          .min_outputs = min_outputs,
          .max_outputs = max_outputs,
          .infer = infer,
          .check_attributes = &ir::attributes_of<Op>};
}

Status infer_same(InferContext& context);       // output 0 has input 0's type
Status infer_broadcast(InferContext& context);  // inputs of one dtype, broadcast

// Fails where the inputs first..last (absent ones aside) are not all of one dtype.
Status same_dtype(const InferContext& context, size_t first, size_t last);
// Fails where input i is known not to be of this class.
Status need_floating(const InferContext& context, size_t i);
Status need_numeric(const InferContext& context, size_t i);
Status need_dtype(const InferContext& context, size_t i, DType dtype);
Status need_integer(const InferContext& context, size_t i);
// Fails where input i's rank is known and lower than `rank`.
Status need_rank(const InferContext& context, size_t i, size_t rank);
// The shape that these inputs broadcast to; nullopt where a rank is not known.
Result<std::optional<Sizes>> broadcast_inputs(const InferContext& context,
                                              std::span<const size_t> inputs);
Result<Sizes> broadcast_sizes(const InferContext& context, const Sizes& a, const Sizes& b);
// An axis of input i, which must have a known rank.
Result<size_t> axis_of(const InferContext& context, int64_t axis, size_t rank);
// Axes from input i as a sorted list without repetitions.
Result<std::vector<size_t>> axes_of(const InferContext& context, std::span<const int64_t> axes,
                                    size_t rank);
// Fails where both are constant and differ.
Status need_equal(const InferContext& context, const Dim& a, const Dim& b, std::string_view what);

// A shape of `rank` sizes that only the data decides.
Sizes data_sizes(InferContext& context, size_t output, size_t rank);
// Number of elements of a 1-d input, where constant.
std::optional<size_t> vector_length(const InferContext& context, size_t i);

// Contents of both inputs, element by element, with a single element repeated; nullopt where one is
// not known or f gives nullopt.
template <class F>
Contents map_contents(const Contents& a, const Contents& b, F&& f) {
  if (!a || !b || a->empty() || b->empty()) return std::nullopt;
  const size_t n = std::max(a->size(), b->size());
  if ((a->size() != n && a->size() != 1) || (b->size() != n && b->size() != 1)) return std::nullopt;
  std::vector<Dim> out;
  for (size_t i = 0; i < n; ++i) {
    std::optional<Dim> value = f((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
    if (!value) return std::nullopt;
    out.push_back(std::move(*value));
  }
  return out;
}
// Contents of input i where it has at most one dimension.
Contents flat_contents(const InferContext& context, size_t i);
// Sets what is known and leaves what was known before otherwise: a pass does not change values.
void keep_contents(InferContext& context, size_t output, Contents contents);

}  // namespace tenon::ops
