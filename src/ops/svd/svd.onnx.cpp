// Singular values composed from ONNX's operators.
#include "ops/svd/svd.h"

#include "ops/common/onnx_jacobi.h"
#include "ops/qr/qr.h"
#include "ops/topk/topk.h"

namespace tenon::ops {
namespace onnx_svd {

using namespace onnx_jacobi;

// a v, whose columns are orthogonal, and v.
struct Orthogonal {
  V *columns, *v;
};

// Hestenes's method: rotations of the columns make them orthogonal. A sweep costs m n^2 times a
// few.
Result<Orthogonal> orthogonal(onnx::ExportContext& c, V* a) {
  const Emit e{c.b};
  const DType type = a->dtype();
  V* n = e.size(a, -1);
  const Rounds rounds(e, n);
  V* diagonal = c.b.cast(e.diagonal(rounds.places, rounds.places), type);
  V* identity = e.op("Add", {e.filled(a, 0, type, {n, n}), diagonal});
  auto round = [&](const Emit& s, V* partners, const Values& carried, V*& worst) -> Values {
    V *x = carried[0], *zero = s.number(x, 0);
    V* own = s.reduce("ReduceSum", s.op("Mul", {x, x}), -2, false);
    V* other = s.b.emit(Gather{.axis = -1}, {own, partners});
    V* off = s.reduce("ReduceSum", s.op("Mul", {x, s.b.emit(Gather{.axis = -1}, {x, partners})}),
                      -2, false);
    off = s.where(s.op("Equal", {partners, rounds.places}), zero, off);
    V* lengths = s.op("Mul", {s.op("Sqrt", {own}), s.op("Sqrt", {other})});
    V* some = s.op("Greater", {lengths, zero});
    V* angle = s.op("Div", {s.op("Abs", {off}), s.where(some, lengths, s.number(x, 1))});
    worst = largest(s, s.where(some, angle, zero));
    const Rotation turn = rotation(s, rounds, partners, own, off);
    return {turn.columns(s, x), turn.columns(s, carried[1])};
  };
  const Values out = TRY(sweeps(c, rounds, {a, identity}, type, 8 * epsilon(type), round));
  return Orthogonal{out[0], out[1]};
}

// The matrix of `count` orthonormal columns that QR makes of orthogonal ones, with their
// directions. Columns of zeros, and those that are missing, become some that complete the others.
V* orthonormal(const Emit& e, V* x, V* count) {
  const std::vector<V*> packed = e.b.emit_n(QR{}, {x}, 2);
  V *m = e.size(x, -2), *zero = e.number(x, 0);
  V* zeros = e.filled(x, 0, x->dtype(), {m, count});
  V* all = e.b.emit_with("Concat", {{"axis", e.rank(x) - 1}}, {packed[0], zeros});
  V* padded = e.first(all, count);
  V* q = e.b.emit(HouseholderProduct{}, {padded, packed[1]});
  // R's diagonal, the columns' own lengths, is negative where a direction was turned round.
  V* diagonal = e.diagonal(e.count_to(m), e.count_to(count));
  V* lengths = e.reduce("ReduceSum", e.where(diagonal, padded, zero), -2, false);
  V* signs = e.where(e.op("Less", {lengths, zero}), e.number(x, -1), e.number(x, 1));
  return e.op("Mul", {q, e.as_row(signs)});
}

// Of matrices of no elements there are no values, and the vectors, if any, are those of the axes.
Status write_empty(onnx::ExportContext& c) {
  const Emit e{c.b};
  V* a = c.input(0);
  const DType type = a->dtype();
  V *m = e.size(a, -2), *n = e.size(a, -1), *none = e.integer(0);
  V* s = e.filled(a, 0, type, {none});
  if (!c.as<SVD>().full)
    return c.replace({e.filled(a, 0, type, {m, none}), s, e.filled(a, 0, type, {none, n})});
  auto axes = [&](V* size) {
    V* ones = c.b.cast(e.diagonal(e.count_to(size), e.count_to(size)), type);
    return e.op("Add", {e.filled(a, 0, type, {size, size}), ones});
  };
  return c.replace({axes(m), s, axes(n)});
}

Status write_svd(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  const bool full = c.as<SVD>().full;
  V* a = c.input(0);
  const ir::Shape& shape = *a->shape();
  const ir::Dim &rows = shape[shape.size() - 2], &columns = shape.back();
  if (rows.is(0) || columns.is(0)) return write_empty(c);
  // The columns are rotated: there should be fewer of them than rows.
  const bool wide = rows.constant() && columns.constant() && *rows.constant() < *columns.constant();
  if (wide) a = e.transposed(a);
  V *m = e.size(a, -2), *n = e.size(a, -1), *k = e.smaller(m, n);
  V* size = e.reduce("ReduceMax", e.reduce("ReduceMax", e.op("Abs", {a}), -1, true), -2, true);
  V* scale = e.where(e.op("Greater", {size, e.number(a, 0)}), size, e.number(a, 1));
  const Orthogonal found = TRY(orthogonal(c, e.op("Div", {a, scale})));
  V* lengths = e.reduce("ReduceL2", found.columns, -2, false);
  // All columns in order: those beyond the k-th are zeros.
  const Values sorted = c.b.emit_n(TopK{}, {lengths, e.as_vector(n)}, 2);
  V* v = ordered_columns(e, found.v, sorted[1]);
  V* left = ordered_columns(e, found.columns, sorted[1]);
  V* u = orthonormal(e, e.first(left, k), full ? m : k);
  if (!full) v = e.first(v, k);
  V* s = e.first(e.op("Mul", {sorted[0], e.squeeze(scale, -1)}), k);
  return wide ? c.replace({v, s, e.transposed(u)}) : c.replace({u, s, e.transposed(v)});
}

}  // namespace onnx_svd

std::span<const onnx::Mapping> svd_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::composed<SVD>(onnx_svd::write_svd)};
  return rows;
}

}  // namespace tenon::ops
