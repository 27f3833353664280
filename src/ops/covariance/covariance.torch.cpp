// cov and corrcoef: rows are variables, columns observations. Formulas of PyTorch's operators, so
// that integers and complex numbers go the way that they go there.
#include "ops/common/lower.h"

namespace tenon::ops {
namespace covariance_lowering {

using lower::applied;
using lower::V;
using torch::LowerContext;
using torch::TensorRef;
using torch::Value;

Value integer(int64_t n) { return Value::integer(n); }
const Sizes& sizes_of(const Value& value) {
  static const Sizes kNone;
  const TensorRef* t = value.get<TensorRef>();
  return t ? (*t)->sizes : kNone;
}
Value sum_of_rows(LowerContext& c, const Value& x) {
  return applied(c, "aten::sum", {x, c.machine().list({integer(1)})});
}

struct Weights {
  Value both;    // frequencies times reliabilities; none where there are neither
  Value factor;  // what the sum of products is divided by
  Value sum;
};

// Kept from below zero, as PyTorch does.
Value positive(LowerContext& c, const Value& factor) {
  if (const ir::Dim* d = factor.get<ir::Dim>()) {
    if (d->is_constant()) return integer(std::max<int64_t>(*d->constant(), 0));
    return max(*d, 0);
  }
  return applied(c, "aten::clamp_min", {factor, integer(0)});
}

Weights weights(LowerContext& c, const Value& x) {
  const Value &frequencies = c.value("fweights"), &reliabilities = c.value("aweights");
  const bool weighed = !reliabilities.is_none();
  Weights out;
  out.both = weighed ? reliabilities : frequencies;
  if (weighed && !frequencies.is_none())
    out.both = applied(c, "aten::mul", {frequencies, reliabilities});
  const Value correction = c.value("correction");
  if (out.both.is_none()) {
    const ir::Dim count = sizes_of(x)[1];
    out.sum = count;
    out.factor = positive(c, count - c.integer("correction"));
    return out;
  }
  out.sum = applied(c, "aten::sum", {out.both});
  Value less = correction;
  const ir::Dim* known = correction.get<ir::Dim>();
  if (weighed && !(known && known->is(0))) {
    const Value squares =
        applied(c, "aten::sum", {applied(c, "aten::mul", {out.both, reliabilities})});
    less = applied(c, "aten::mul", {applied(c, "aten::div", {squares, out.sum}), correction});
  }
  out.factor = positive(c, applied(c, "aten::sub", {out.sum, less}));
  return out;
}

Value covariance(LowerContext& c, Value x, const Weights& w) {
  auto weighed = [&](const Value& value) {
    return w.both.is_none() ? value : applied(c, "aten::mul", {value, w.both});
  };
  const Value mean = applied(c, "aten::div", {sum_of_rows(c, weighed(x)), w.sum});
  x = applied(c, "aten::sub", {x, applied(c, "aten::unsqueeze", {mean, integer(1)})});
  const Value turned = applied(
      c, "aten::conj", {applied(c, "aten::transpose", {weighed(x), integer(0), integer(1)})});
  const Value product = applied(c, "aten::matmul", {x, turned});
  return applied(c, "aten::squeeze", {applied(c, "aten::div", {product, w.factor})});
}

Value as_rows(LowerContext& c) {
  Value x = c.value("self");
  const size_t rank = sizes_of(x).size();
  if (rank > 2) {
    c.refuse("there are more than two dimensions");
    return {};
  }
  for (size_t i = rank; i < 2; ++i) x = applied(c, "aten::unsqueeze", {x, integer(0)});
  return x;
}

V* cov(LowerContext& c) {
  const Value x = as_rows(c);
  if (c.refused()) return nullptr;
  return lower::result(c, covariance(c, x, weights(c, x)));
}

V* corrcoef(LowerContext& c) {
  const Value x = as_rows(c);
  if (c.refused()) return nullptr;
  const ir::Dim count = sizes_of(x)[1];
  const Value matrix =
      covariance(c, x, {.both = {}, .factor = positive(c, count - ir::Dim(1)), .sum = count});
  if (sizes_of(matrix).empty()) return lower::result(c, applied(c, "aten::div", {matrix, matrix}));
  const Value deviation = applied(
      c, "aten::sqrt", {applied(c, "aten::real", {applied(c, "aten::diagonal", {matrix})})});
  Value out =
      applied(c, "aten::div", {matrix, applied(c, "aten::unsqueeze", {deviation, integer(1)})});
  out = applied(c, "aten::div", {out, applied(c, "aten::unsqueeze", {deviation, integer(0)})});
  auto clipped = [&](const Value& value) {
    return applied(c, "aten::clamp", {value, integer(-1), integer(1)});
  };
  const TensorRef* t = out.get<TensorRef>();
  if (t == nullptr || !is_complex((*t)->dtype)) return lower::result(c, clipped(out));
  return lower::result(c, applied(c, "aten::complex",
                                  {clipped(applied(c, "aten::real", {out})),
                                   clipped(applied(c, "aten::imag", {out}))}));
}

}  // namespace covariance_lowering

std::span<const torch::Lowering> covariance_torch() {
  using namespace covariance_lowering;
  using torch::Takes;
  static constexpr torch::Lowering kAll[] = {{"aten::cov", cov, Takes::any},
                                             {"aten::corrcoef", corrcoef, Takes::any}};
  return kAll;
}

}  // namespace tenon::ops
