#include "ops/hash_tensor/hash_tensor.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace hash_tensor_lowering {

using torch::LowerContext;

lower::V* hash_tensor(LowerContext& c) {
  lower::V* x = c.tensor("self");
  if (c.constant("mode") != 0) return c.refuse("there is the mode 0, exclusive or, only");
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return nullptr;
  return c.b.emit(HashTensor{.axes = *axes, .keepdims = c.flag("keepdim")}, {x});
}

}  // namespace hash_tensor_lowering

std::span<const torch::Lowering> hash_tensor_torch() {
  static constexpr torch::Lowering kAll[] = {
      {"aten::hash_tensor", hash_tensor_lowering::hash_tensor}};
  return kAll;
}

}  // namespace tenon::ops
