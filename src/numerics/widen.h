// Tensors of 16-bit floats as f32, for comparisons across precisions.
#pragma once

#include "tenon/tensor.h"

namespace tenon::numerics {

// Tensors of f16 and bf16 in f32, all others as they are.
Tensor widened(const Tensor& tensor);

}  // namespace tenon::numerics
