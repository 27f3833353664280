// Reads integer tensors of any width as int64.
#pragma once

#include <optional>
#include <vector>

#include "tenon/tensor.h"

namespace tenon::ir {

// The elements, in order; nullopt where the tensor is not of an integer type (boolean counts as
// one) or holds more than `limit` elements.
std::optional<std::vector<int64_t>> integers(const Tensor& tensor, int64_t limit = 4096);

}  // namespace tenon::ir
