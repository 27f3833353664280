// Transposed convolutions as matrix products.
#pragma once

#include "targets/cpu/kernel.h"

namespace tenon::ops::conv_transpose_product {

Result<cpu::Prepared> make(cpu::MakeContext& context);

}  // namespace tenon::ops::conv_transpose_product
