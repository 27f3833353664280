// Eigenvalues of symmetric matrices composed from ONNX's operators.
#include "ops/eigen/eigen.h"

#include "ops/common/onnx_jacobi.h"
#include "ops/topk/topk.h"

namespace tenon::ops {
namespace onnx_eigen {

using namespace onnx_jacobi;

// Jacobi's method: rotations of both sides make the matrix diagonal, their product are the vectors.
// A sweep costs n^3 times a few.
Status write_eigh(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V *a = c.input(0), *n = e.size(a, -1);
  const DType type = a->dtype();
  if (a->shape()->back().is(0)) return c.replace({e.filled(a, 0, type, {n}), a});
  const Rounds rounds(e, n);
  V* diagonal = e.diagonal(rounds.places, rounds.places);
  V* triangle = e.op("Less", {e.as_column(rounds.places), e.as_row(rounds.places)});
  V* symmetric = e.where(triangle, e.transposed(a), a);
  V* identity = e.op("Add", {e.filled(a, 0, type, {n, n}), c.b.cast(diagonal, type)});
  // What is beside the diagonal counts in relation to the whole matrix.
  V* size =
      e.reduce("ReduceMax", e.reduce("ReduceMax", e.op("Abs", {symmetric}), -1, true), -2, true);
  V* scale = e.where(e.op("Greater", {size, e.number(a, 0)}), size, e.number(a, 1));
  symmetric = e.op("Div", {symmetric, scale});
  auto round = [&](const Emit& s, V* partners, const Values& carried, V*& worst) -> Values {
    V *matrix = carried[0], *zero = s.number(matrix, 0);
    V* beside = s.op("And", {s.op("Equal", {s.as_row(rounds.places), s.as_column(partners)}),
                             s.op("Not", {diagonal})});
    V* own = s.reduce("ReduceSum", s.where(diagonal, matrix, zero), -1, false);
    V* off = s.reduce("ReduceSum", s.where(beside, matrix, zero), -1, false);
    worst = largest(s, s.op("Abs", {off}));
    const Rotation turn = rotation(s, rounds, partners, own, off);
    V* turned = turn.rows(s, turn.columns(s, matrix));
    return {s.where(beside, zero, turned), turn.columns(s, carried[1])};
  };
  const Values out = TRY(sweeps(c, rounds, {symmetric, identity}, type, epsilon(type) / 8, round));
  V* values = e.reduce("ReduceSum", e.where(diagonal, out[0], e.number(a, 0)), -1, false);
  const Values sorted = c.b.emit_n(TopK{.largest = false}, {values, e.as_vector(n)}, 2);
  V* scaled = e.op("Mul", {sorted[0], e.squeeze(scale, -1)});
  return c.replace({scaled, ordered_columns(e, out[1], sorted[1])});
}

}  // namespace onnx_eigen

std::span<const onnx::Mapping> eigen_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::composed<Eigh>(onnx_eigen::write_eigh),
      onnx::lacking<Eig>("ONNX has no eigenvalues, and no complex numbers to give them in")};
  return rows;
}

}  // namespace tenon::ops
