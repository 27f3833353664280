#include "ops/one_hot/one_hot.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace one_hot_lowering {

using lower::V;

V* one_hot(torch::LowerContext& c) {
  V* x = c.tensor("self");
  const int64_t classes = c.constant("num_classes");
  V* depth = c.b.scalar_int(classes);
  if (classes < 0) {  // as many as the largest index needs
    V* largest = lower::reduce(c, "ReduceMax", x, lower::all_axes(lower::rank(c, x)), false);
    depth = lower::add(c, c.b.cast(largest, DType::i64), c.b.scalar_int(1));
  }
  // ONNX's indices have a dimension at least.
  const bool flat = lower::rank(c, x) == 0;
  V* indices = c.b.cast(flat ? lower::unsqueeze(c, x, {0}) : x, DType::i64);
  V* out = c.b.emit(OneHot{}, {indices, depth, c.b.ints({0, 1})});
  return flat ? lower::squeeze(c, out, {0}) : out;
}

}  // namespace one_hot_lowering

std::span<const torch::Lowering> one_hot_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::one_hot", one_hot_lowering::one_hot}};
  return kAll;
}

}  // namespace tenon::ops
