#include "ops/where/where.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace where_lowering {

using lower::V;
using torch::LowerContext;

V* choose(LowerContext& c) {
  const DType type = c.promoted({"self", "other"});
  return lower::where(c, c.operand("condition", DType::boolean), c.operand("self", type),
                      c.operand("other", type));
}

// The value takes the tensor's type, and no other.
V* masked_fill(LowerContext& c) {
  V* x = c.tensor("self");
  return lower::where(c, c.operand("mask", DType::boolean), c.operand("value", x->dtype()), x);
}

}  // namespace where_lowering

std::span<const torch::Lowering> where_torch() {
  using namespace where_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::where.self", choose},
      {"aten::where.ScalarOther", choose},
      {"aten::where.ScalarSelf", choose},
      {"aten::where.Scalar", choose},
      {"aten::masked_fill.Scalar", masked_fill},
      {"aten::masked_fill.Tensor", masked_fill},
  };
  return kAll;
}

}  // namespace tenon::ops
