// LU and its pivots composed from ONNX's operators: one step for each column.
#include "ops/lu/lu.h"

#include "ops/common/onnx_matrix.h"

namespace tenon::ops {
namespace onnx_lu {

using namespace onnx_matrix;

// A row swap, division by the pivot, and an update of what is right of and below it: O(m n) each.
Status write_lu(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V* a = c.input(0);
  V *m = e.size(a, -2), *n = e.size(a, -1), *k = e.smaller(m, n);
  V *rows = e.count_to(m), *columns = e.count_to(n), *places = e.count_to(k);
  const Values start{a, e.filled(a, 0, DType::i64, {k}), e.filled(a, 0, DType::i64, {})};
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    const auto [place, matrix] = bring_pivot(s, carried[0], rows, j);
    V *top = s.row(matrix, j), *column = s.column(matrix, j), *pivot = s.element(top, j);
    V *below = s.greater(rows, j), *zero = s.number(matrix, 0);
    V* singular = s.op("Equal", {pivot, zero});
    // A pivot of zero leaves nothing to eliminate in its column.
    V* divisor = s.where(singular, s.number(matrix, 1), pivot);
    V* factor = s.where(below, s.op("Div", {column, divisor}), zero);
    V* right = s.where(s.greater(columns, j), top, zero);
    V* reduced = s.op("Sub", {matrix, s.outer(factor, right)});
    V* here = s.op("And", {s.as_column(below), s.as_row(s.equal(columns, j))});
    V* pivots = s.where(s.equal(places, j), s.op("Add", {place, s.integer(1)}), carried[1]);
    return {s.where(here, s.as_column(factor), reduced), pivots,
            note_failure(s, carried[2], s.squeeze(singular, -1), j)};
  };
  const Values out = TRY(repeat(c, k, start, step));
  return c.replace({out[0], c.b.cast(out[1], DType::i32), c.b.cast(out[2], DType::i32)});
}

Status write_permutation(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V *pivots = c.b.cast(c.input(0), DType::i64), *m = c.input(1), *rows = e.count_to(m);
  // The batch of a matrix whose rows are the pivots.
  V* start = e.op("Add", {e.filled(e.as_row(pivots), 0, DType::i64, {m}), rows});
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    V* with = s.op("Sub", {s.element(pivots, j), s.integer(1)});
    V* mine = s.element(carried[0], j);
    V* other = s.b.emit(GatherElements{.axis = -1}, {carried[0], with});
    return {s.where(s.equal(rows, j), other,
                    s.where(s.op("Equal", {rows, with}), mine, carried[0]))};
  };
  const Values out = TRY(repeat(c, e.size(pivots, -1), {start}, step));
  return c.replace({out[0]});
}

}  // namespace onnx_lu

std::span<const onnx::Mapping> lu_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::composed<LU>(onnx_lu::write_lu),
      onnx::composed<PivotsToPermutation>(onnx_lu::write_permutation)};
  return rows;
}

}  // namespace tenon::ops
