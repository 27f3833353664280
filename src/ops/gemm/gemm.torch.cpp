#include "ops/gemm/gemm.h"

#include <fmt/format.h>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace gemm_lowering {

using lower::V;
using torch::LowerContext;

V* linear(LowerContext& c) {
  V *x = c.tensor("input"), *weight = c.tensor("weight"), *bias = c.tensor("bias");
  const size_t weight_rank = lower::rank(c, weight);
  if (weight_rank == 2 && lower::rank(c, x) == 2) {
    std::vector<V*> inputs{x, weight};
    if (bias) inputs.push_back(bias);
    return c.b.emit(Gemm{.trans_b = true}, std::move(inputs));
  }
  if (weight_rank < 1 || weight_rank > 2)
    return c.refuse(fmt::format("the weight has {} dimensions", weight_rank));
  V* y = lower::matmul(c, x, weight_rank == 2 ? lower::transpose(c, weight, {1, 0}) : weight);
  return bias ? lower::add(c, y, bias) : y;
}

// beta * self + alpha * product, in the form of baddbmm and its relatives.
V* combine(LowerContext& c, V* product) {
  V* self = c.tensor("self");
  const double alpha = c.has("alpha") ? c.number("alpha") : 1,
               beta = c.has("beta") ? c.number("beta") : 1;
  if (alpha != 1) product = lower::mul(c, product, lower::like(c, product, alpha));
  if (beta == 0) {  // not even NaN comes through
    const auto sizes = lower::broadcast(c, {lower::sizes(c, self), lower::sizes(c, product)});
    return sizes ? lower::expand(c, product, *sizes) : nullptr;
  }
  if (beta != 1) self = lower::mul(c, self, lower::like(c, self, beta));
  return lower::add(c, self, product);
}

V* addmm(LowerContext& c) {
  V *a = c.tensor("mat1"), *b = c.tensor("mat2");
  const double alpha = c.number("alpha"), beta = c.number("beta");
  const bool exact = static_cast<float>(alpha) == alpha && static_cast<float>(beta) == beta;
  if (!exact || !is_floating(a->dtype()) || lower::rank(c, a) != 2 || lower::rank(c, b) != 2) {
    return combine(c, lower::matmul(c, a, b));
  }
  Gemm op;
  op.alpha = static_cast<float>(alpha);
  op.beta = static_cast<float>(beta);
  if (beta == 0) return c.b.emit(Gemm{.alpha = op.alpha}, {a, b});
  return c.b.emit(op, {a, b, c.tensor("self")});
}

V* baddbmm(LowerContext& c) {
  return combine(c, lower::matmul(c, c.tensor("batch1"), c.tensor("batch2")));
}
V* addbmm(LowerContext& c) {
  return combine(
      c, lower::reduce(c, "ReduceSum", lower::matmul(c, c.tensor("batch1"), c.tensor("batch2")),
                       {0}, false));
}
V* addmv(LowerContext& c) { return combine(c, lower::matmul(c, c.tensor("mat"), c.tensor("vec"))); }
V* addr(LowerContext& c) {
  return combine(c, lower::mul(c, lower::unsqueeze(c, c.tensor("vec1"), {1}),
                               lower::unsqueeze(c, c.tensor("vec2"), {0})));
}

}  // namespace gemm_lowering

std::span<const torch::Lowering> gemm_torch() {
  using namespace gemm_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linear", linear}, {"aten::addmm", addmm}, {"aten::baddbmm", baddbmm},
      {"aten::addbmm", addbmm}, {"aten::addmv", addmv}, {"aten::addr", addr},
  };
  return kAll;
}

}  // namespace tenon::ops
