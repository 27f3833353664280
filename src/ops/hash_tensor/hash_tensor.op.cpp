#include "ops/hash_tensor/hash_tensor.h"

#include <algorithm>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_hash_tensor(InferContext& context) {
  const auto op = context.as<HashTensor>();
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, DType::u64, std::nullopt);
    return {};
  }
  const auto axes = TRY(axes_of(context, op.axes, x->size()));
  Sizes out;
  for (size_t i = 0; i < x->size(); ++i) {
    const bool gone = axes.empty() || std::find(axes.begin(), axes.end(), i) != axes.end();
    if (!gone)
      out.push_back((*x)[i]);
    else if (op.keepdims)
      out.push_back(1);
  }
  context.set(0, DType::u64, std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> hash_tensor_op() {
  static constexpr ir::OpSpec specs[] = {{.name = HashTensor::kName,
                                          .infer = infer_hash_tensor,
                                          .check_attributes = &ir::attributes_of<HashTensor>,
                                          .domain = HashTensor::kDomain}};
  return specs;
}

}  // namespace tenon::ops
