#include "ops/constant_of_shape/constant_of_shape.h"

#include "ir/integers.h"
#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_constant_of_shape(InferContext& context) {
  const auto op = context.as<ConstantOfShape>();
  TRY(need_integer(context, 0));
  if (op.value && op.value->count() != 1) return context.fail("the value is not one element");
  const DType dtype = op.value ? op.value->dtype() : DType::f32;
  const Contents sizes = flat_contents(context, 0);
  if (!sizes) {
    const auto rank = vector_length(context, 0);
    context.set(0, dtype, rank ? std::optional(data_sizes(context, 0, *rank)) : std::nullopt);
    return {};
  }
  for (const Dim& size : *sizes) {
    if (size.is_constant() && *size.constant() < 0) return context.fail("a size is negative");
  }
  if (const auto value = op.value ? ir::integers(*op.value) : std::nullopt; value) {
    const auto n = ir::product(*sizes).constant();
    if (n && *n <= static_cast<int64_t>(kMaxContents))
      keep_contents(context, 0, std::vector<Dim>(static_cast<size_t>(*n), Dim((*value)[0])));
  }
  context.set(0, dtype, sizes);
  return {};
}

}  // namespace

std::span<const ir::OpSpec> constant_of_shape_op() {
  static constexpr ir::OpSpec specs[] = {spec<ConstantOfShape>(1, 1, infer_constant_of_shape)};
  return specs;
}

}  // namespace tenon::ops
