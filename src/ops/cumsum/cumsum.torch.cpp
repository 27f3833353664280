#include "ops/cumsum/cumsum.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace cumsum_lowering {

using lower::V;
using torch::LowerContext;

V* cumsum(LowerContext& c) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype"))
    x = c.b.cast(x, *type);
  else if (!is_floating(x->dtype()))
    x = c.b.cast(x, DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) == 0) return x;
  return c.b.emit(CumSum{}, {x, c.b.scalar_int(*axis)});
}

}  // namespace cumsum_lowering

std::span<const torch::Lowering> cumsum_torch() {
  using namespace cumsum_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::cumsum", cumsum}};
  return kAll;
}

}  // namespace tenon::ops
