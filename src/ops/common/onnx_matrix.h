// What composing linear algebra from ONNX's operators shares: steps over the columns of a matrix,
// which are written out for small matrices and a Loop otherwise.
#pragma once

#include <vector>

#include "onnx/mapping.h"
#include "ops/common/emit.h"
#include "ops/gather_elements/gather_elements.h"

namespace tenon::ops::onnx_matrix {

using onnx::Values;

// Up to so many steps are written out: a step is 10 to 25 nodes.
inline constexpr int64_t kWrittenOut = 4;

// Runs the steps 0 .. count - 1: a few are written out.
inline Result<Values> repeat(onnx::ExportContext& c, V* count, Values carried, const Step& step) {
  if (!count->constant || count->constant->values<int64_t>()[0] > kWrittenOut)
    return loop(c.b, c.node, count, carried, step);
  const Emit e{c.b};
  for (int64_t j = 0; j < count->constant->values<int64_t>()[0]; ++j)
    carried = step(e, e.integer(j), carried);
  TRY(c.b.status());
  return carried;
}
// At most `most` steps, as long as a step's last value says so.
inline Result<Values> repeat_while(onnx::ExportContext& c, V* most, const Values& carried,
                                   const Step& step) {
  return loop(c.b, c.node, most, carried, step, c.b.scalar(1, DType::boolean));
}

// The row swap of partial pivoting: which row holds the largest element of column j at or below row
// j (as [.., 1]), and the matrix with it in place j.
struct Pivoted {
  V *place, *matrix;
};
inline Pivoted bring_pivot(const Emit& e, V* matrix, V* rows, V* j) {
  V* magnitude = e.op("Abs", {e.column(matrix, j)});
  V* eligible = e.where(e.less(rows, j), e.number(matrix, -1), magnitude);
  V* place = e.b.emit_with(
      "ArgMax",
      {{"axis", int64_t{-1}}, {"keepdims", int64_t{1}}, {"select_last_index", int64_t{0}}},
      {eligible});
  V* order = e.where(e.equal(rows, j), place, e.where(e.op("Equal", {rows, place}), j, rows));
  V* indices = e.op("Expand", {e.as_column(order), e.b.emit(ops::Shape{}, {matrix})});
  return {place, e.b.emit(GatherElements{.axis = -2}, {matrix, indices})};
}

// Notes the first step at which something failed: info stays what it is once it is not 0.
inline V* note_failure(const Emit& e, V* info, V* failed, V* j) {
  V* first = e.op("And", {failed, e.op("Equal", {info, e.integer(0)})});
  return e.where(first, e.op("Add", {j, e.integer(1)}), info);
}

// Whether the matrices' rank is known, which all of this needs.
inline Status need_known_rank(const onnx::ExportContext& c) {
  if (c.input(0)->shape()) return {};
  return c.fail("the rank of its input is not known");
}

}  // namespace tenon::ops::onnx_matrix
