// The convolution kernels that conv.cpu.cpp gathers.
#pragma once

#include <array>
#include <optional>

#include <fmt/format.h>

#include "targets/cpu/kernel.h"
#include "targets/cpu/onednn.h"

namespace tenon::ops {

// Winograd in our own layout (winograd.h).
bool suits_tiles(const ir::Node& node);
Result<cpu::Prepared> make_tiles(cpu::MakeContext& context);
// oneDNN's over an image that is padded beforehand.
Result<cpu::Prepared> make_padded(cpu::MakeContext& context, cpu::onednn::Convolution conv);

// A matrix product with the columns that the window sees: for whatever sizes.
Result<cpu::Prepared> make_product(cpu::MakeContext& context, const cpu::onednn::Convolution& conv);

}  // namespace tenon::ops
