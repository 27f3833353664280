// The kernels of ConvTranspose that conv_transpose.cpu.cpp gathers.
#pragma once

#include "targets/cpu/kernel.h"
#include "targets/cpu/onednn.h"

namespace tenon::ops {

// A matrix product whose columns are added up in the image: for whatever sizes.
Result<cpu::Prepared> make_transposed_product(cpu::MakeContext& context,
                                              const cpu::onednn::Convolution& conv);

}  // namespace tenon::ops
