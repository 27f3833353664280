// Cholesky composed from ONNX's operators: one step for each column.
#include "ops/cholesky/cholesky.h"

#include "ops/common/onnx_matrix.h"

namespace tenon::ops {
namespace onnx_cholesky {

using namespace onnx_matrix;

// Column j of l is what the columns before it leave of column j of a, divided by the root of its
// diagonal element: one product of a matrix and a vector. Where PyTorch would raise, ONNX, which
// cannot, gives NaN.
Status write(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V *a = c.input(0), *n = e.size(a, -1), *places = e.count_to(n);
  const Values start{e.filled(a, 0, a->dtype(), {n, n}), e.filled(a, 0, DType::i64, {})};
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    V* l = carried[0];
    V* known = s.squeeze(s.op("MatMul", {l, s.as_column(s.row(l, j))}), -1);
    V* rest = s.op("Sub", {s.column(a, j), known});
    V *d = s.element(rest, j), *zero = s.number(a, 0);
    V* column = s.where(s.less(places, j), zero, s.op("Div", {rest, s.op("Sqrt", {d})}));
    V* failed = s.op("Not", {s.op("Greater", {s.squeeze(d, -1), zero})});
    return {s.where(s.equal(places, j), s.as_column(column), l),
            note_failure(s, carried[1], failed, j)};
  };
  const Values out = TRY(repeat(c, n, start, step));
  return c.replace({out[0], c.b.cast(out[1], DType::i32)});
}

}  // namespace onnx_cholesky

std::span<const onnx::Mapping> cholesky_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::composed<Cholesky>(onnx_cholesky::write)};
  return rows;
}

}  // namespace tenon::ops
