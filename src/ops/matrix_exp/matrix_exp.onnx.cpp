// The exponential of a matrix composed from ONNX's operators, by scaling and squaring.
#include "ops/matrix_exp/matrix_exp.h"

#include <cmath>

#include "ops/common/onnx_matrix.h"

namespace tenon::ops {
namespace onnx_matrix_exp {

using namespace onnx_matrix;

// The matrix is halved s times, until its norm is at most 1/2; there the series is cut after the
// term that no longer counts in the type (0.5^k / k! < half an ulp: k = 9 for f32, 15 for f64);
// then it is squared s times, each matrix of a batch as often as it was halved.
Status write(onnx::ExportContext& c) {
  TRY(need_known_rank(c));
  const Emit e{c.b};
  V* a = c.input(0);
  if (a->shape()->back().is(0)) return c.replace({a});
  const bool wide = a->dtype() == DType::f64;
  const int terms = wide ? 15 : 9;
  V* sums = e.reduce("ReduceSum", e.op("Abs", {a}), -2, true);
  // Halvings are bounded by the range of exponents, whatever infinities and NaN make of the norm.
  V* norm = e.reduce("ReduceMax", sums, -1, true);
  V* halvings = e.op("Add", {e.op("Ceil", {e.op("Div", {e.op("Log", {norm}),
                                                        e.number(a, std::log(2.0))})}),
                             e.number(a, 1)});
  V* none = e.op("Not", {e.op("Greater", {norm, e.number(a, 0.5)})});
  halvings = e.where(none, e.number(a, 0), e.op("Min", {halvings, e.number(a, wide ? 1024 : 128)}));
  V* x = e.op("Mul", {a, e.op("Pow", {e.number(a, 0.5), halvings})});
  V* places = e.count_to(e.size(a, -1));
  V* identity = c.b.cast(e.diagonal(places, places), a->dtype());
  // Horner's scheme: 1 + x (1 + x/2 (1 + x/3 (...))).
  V* sum = e.op("Add", {e.op("Mul", {x, e.number(a, 1.0 / terms)}), identity});
  for (int k = terms - 1; k > 0; --k) {
    V* product = e.op("MatMul", {x, sum});
    sum = e.op("Add", {e.op("Mul", {product, e.number(a, 1.0 / k)}), identity});
  }
  V* all = e.op("Reshape", {halvings, c.b.ints({-1})});
  // Of no matrices there is no largest number of halvings: a zero is among them.
  V* zero = c.b.cast(c.b.ints({0}), a->dtype());
  V* most = e.reduce("ReduceMax", c.b.emit_with("Concat", {{"axis", int64_t{0}}}, {all, zero}), 0,
                     false);
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    V* open = s.op("Less", {s.b.cast(j, a->dtype()), halvings});
    return {s.where(open, s.op("MatMul", {carried[0], carried[0]}), carried[0])};
  };
  const Values out = TRY(repeat(c, c.b.cast(most, DType::i64), {sum}, step));
  return c.replace(out);
}

}  // namespace onnx_matrix_exp

std::span<const onnx::Mapping> matrix_exp_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::composed<MatrixExp>(onnx_matrix_exp::write)};
  return rows;
}

}  // namespace tenon::ops
