// QR and products of reflectors composed from ONNX's operators: one step for each column.
#include "ops/qr/qr.h"

#include "ops/common/onnx_matrix.h"

namespace tenon::ops {
namespace onnx_qr {

using namespace onnx_matrix;

// The reflector that turns column j to a multiple of the unit vector, with LAPACK's sign, applied to
// the columns right of it.
Status write_qr(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V* a = c.input(0);
  V *m = e.size(a, -2), *n = e.size(a, -1), *k = e.smaller(m, n);
  V *rows = e.count_to(m), *columns = e.count_to(n), *places = e.count_to(k);
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    V *matrix = carried[0], *zero = s.number(matrix, 0), *one = s.number(matrix, 1);
    V *column = s.column(matrix, j), *alpha = s.element(column, j);
    V *below = s.greater(rows, j), *here = s.equal(rows, j);
    V* tail = s.where(below, column, zero);
    // Nothing to turn: the reflector is the identity.
    V* done = s.op("Equal", {s.reduce("ReduceMax", s.op("Abs", {tail}), -1, true), zero});
    V* length = s.reduce("ReduceL2", s.where(s.less(rows, j), zero, column), -1, true);
    V* turned = s.where(s.op("Less", {alpha, zero}), length, s.op("Neg", {length}));
    V* beta = s.where(done, alpha, turned);
    V* safe = s.where(done, one, beta);
    V* tau = s.where(done, zero, s.op("Div", {s.op("Sub", {beta, alpha}), safe}));
    V* divisor = s.where(done, one, s.op("Sub", {alpha, beta}));
    V* v = s.where(here, one, s.op("Div", {tail, divisor}));
    V* along = s.where(s.greater(columns, j), s.vector_matrix(v, matrix), zero);
    V* reduced = s.op("Sub", {matrix, s.outer(s.op("Mul", {tau, v}), along)});
    V* packed = s.where(here, beta, s.where(below, v, column));
    return {s.where(s.equal(columns, j), s.as_column(packed), reduced),
            s.where(s.equal(places, j), tau, carried[1])};
  };
  const Values out = TRY(repeat(c, k, {a, e.filled(a, 0, a->dtype(), {k})}, step));
  return c.replace(out);
}

// The reflectors applied to the identity from the last to the first.
Status write_product(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V *a = c.input(0), *tau = c.input(1);
  V *m = e.size(a, -2), *n = e.size(a, -1), *k = e.size(tau, -1);
  V *rows = e.count_to(m), *columns = e.count_to(n);
  V* identity = c.b.cast(e.diagonal(rows, columns), a->dtype());
  V* start = e.op("Add", {e.filled(a, 0, a->dtype(), {m, n}), identity});
  auto step = [&](const Emit& s, V* number, const Values& carried) -> Values {
    V* j = s.minus(s.minus(k, s.integer(1)), number);
    V* tail = s.where(s.greater(rows, j), s.column(a, j), s.number(a, 0));
    V* v = s.where(s.equal(rows, j), s.number(a, 1), tail);
    V* along = s.vector_matrix(v, carried[0]);
    return {s.op("Sub", {carried[0], s.outer(s.op("Mul", {s.element(tau, j), v}), along)})};
  };
  const Values out = TRY(repeat(c, k, {start}, step));
  return c.replace(out);
}

}  // namespace onnx_qr

std::span<const onnx::Mapping> qr_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::composed<QR>(onnx_qr::write_qr),
      onnx::composed<HouseholderProduct>(onnx_qr::write_product)};
  return rows;
}

}  // namespace tenon::ops
