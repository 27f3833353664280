// Joining and cutting tensors along an axis.
#pragma once

#include "ops/common/ref.h"

namespace tenon::ops {

Result<Tensor> join(const RefContext& context, std::span<const Tensor* const> parts, size_t axis);
// Elements [first, first + count) along the axis.
Result<Tensor> cut(const RefContext& context, const Tensor& whole, size_t axis, int64_t first,
                   int64_t count);

}  // namespace tenon::ops
