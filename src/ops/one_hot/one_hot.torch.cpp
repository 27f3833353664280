#include "ops/one_hot/one_hot.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace one_hot_lowering {

ir::Value* one_hot(torch::LowerContext& c) {
  ir::Value* x = c.tensor("self");
  const int64_t classes = c.constant("num_classes");
  ir::Value* depth = c.b.scalar_int(classes);
  if (classes < 0) {  // as many as the largest index needs
    ir::Value* largest =
        lower::reduce(c, "ReduceMax", x, lower::all_axes(lower::rank(c, x)), false);
    depth = lower::add(c, c.b.cast(largest, DType::i64), c.b.scalar_int(1));
  }
  return c.b.emit(OneHot{}, {c.b.cast(x, DType::i64), depth, c.b.ints({0, 1})});
}

}  // namespace one_hot_lowering

std::span<const torch::Lowering> one_hot_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::one_hot", one_hot_lowering::one_hot}};
  return kAll;
}

}  // namespace tenon::ops
