// Lowering of PyTorch's convolutions, which both Conv and ConvTranspose come from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "torch/lowering.h"

namespace tenon::ops {

struct Convolution {
  ir::Value* input = nullptr;
  ir::Value* weight = nullptr;
  ir::Value* bias = nullptr;
  std::vector<int64_t> stride, padding, dilation, output_padding;
  std::string padding_mode;  // "same" or "valid" instead of numbers
  bool transposed = false;
  int64_t groups = 1;
};

ir::Value* lower_convolution(torch::LowerContext& c, Convolution op);

}  // namespace tenon::ops
