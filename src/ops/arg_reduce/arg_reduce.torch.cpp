#include "ops/arg_reduce/arg_reduce.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace arg_reduce_lowering {

using lower::V;
using torch::LowerContext;

// Without a dimension: the place in the flattened tensor.
template <class Op>
V* place(LowerContext& c) {
  V* x = c.tensor("self");
  if (x->dtype() == DType::boolean) x = c.b.cast(x, DType::i32);
  const size_t rank = lower::rank(c, x);
  const bool keep = c.flag("keepdim");
  if (rank == 0) return c.b.scalar_int(0);
  if (c.has("dim")) {
    const auto axis = lower::axis(c, "dim", x);
    return axis ? c.b.emit(Op{.axis = *axis, .keepdims = keep}, {x}) : nullptr;
  }
  V* flat = lower::reshape(c, x, {ir::product(lower::sizes(c, x))});
  V* out = c.b.emit(Op{.axis = 0, .keepdims = false}, {flat});
  return keep ? lower::unsqueeze(c, out, lower::all_axes(rank)) : out;
}

}  // namespace arg_reduce_lowering

std::span<const torch::Lowering> arg_reduce_torch() {
  using namespace arg_reduce_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::argmax", place<ArgMax>},
                                             {"aten::argmin", place<ArgMin>}};
  return kAll;
}

}  // namespace tenon::ops
