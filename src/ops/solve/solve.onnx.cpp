// Systems of equations composed from ONNX's operators: one step for each unknown.
#include "ops/solve/solve.h"

#include "ops/common/onnx_matrix.h"

namespace tenon::ops {
namespace onnx_solve {

using namespace onnx_matrix;

// Gauss and Jordan's elimination on [a | b] with partial pivoting: each step clears a column above
// and below its pivot, so that no back substitution is needed. Its solutions are as exact as those
// of LU; where PyTorch would raise, ONNX, which cannot, gives infinities and NaN.
Status write_solve(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V *a = c.input(0), *b = c.input(1), *n = e.size(a, -1);
  V* rows = e.count_to(n);
  V* both = c.b.emit_with("Concat", {{"axis", e.rank(a) - 1}}, {a, b});
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    V* matrix = bring_pivot(s, carried[0], rows, j).matrix;
    V *top = s.row(matrix, j), *pivot = s.element(top, j), *zero = s.number(matrix, 0);
    V* scaled = s.op("Div", {top, pivot});
    V* here = s.equal(rows, j);
    V* factor = s.where(here, zero, s.column(matrix, j));
    V* cleared = s.op("Sub", {matrix, s.outer(factor, scaled)});
    V* singular = s.squeeze(s.op("Equal", {pivot, zero}), -1);
    return {s.where(s.as_column(here), s.as_row(scaled), cleared),
            note_failure(s, carried[1], singular, j)};
  };
  const Values out = TRY(repeat(c, n, {both, e.filled(a, 0, DType::i64, {})}, step));
  V* x = e.op("Slice", {out[0], e.as_vector(n), c.b.ints({ir::Interval::kMax}), c.b.ints({-1}),
                        c.b.ints({1})});
  return c.replace({x, c.b.cast(out[1], DType::i32)});
}

// Substitution: each step finds one row of x from those before it.
Status write_triangular(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  const auto op = c.as<TriangularSolve>();
  V *a = c.input(0), *b = c.input(1), *n = e.size(a, -1);
  V* places = e.count_to(n);
  V* last = e.minus(n, e.integer(1));
  auto step = [&](const Emit& s, V* number, const Values& carried) -> Values {
    V* j = op.upper ? s.minus(last, number) : number;
    V *row = s.row(a, j), *x = carried[0];
    V* read = op.upper ? s.greater(places, j) : s.less(places, j);
    V* known = s.vector_matrix(s.where(read, row, s.number(a, 0)), x);
    V* own = s.op("Sub", {s.row(b, j), known});
    if (!op.unit) own = s.op("Div", {own, s.element(row, j)});
    return {s.where(s.as_column(s.equal(places, j)), s.as_row(own), x)};
  };
  V* start = e.filled(b, 0, b->dtype(), {n, e.size(b, -1)});
  const Values out = TRY(repeat(c, n, {start}, step));
  return c.replace({out[0]});
}

}  // namespace onnx_solve

std::span<const onnx::Mapping> solve_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::composed<Solve>(onnx_solve::write_solve),
      onnx::composed<TriangularSolve>(onnx_solve::write_triangular),
      onnx::lacking<LeastSquares>("ONNX has no solver of least squares, nor a decomposition that makes one")};
  return rows;
}

}  // namespace tenon::ops
