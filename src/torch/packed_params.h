// The parameters of quantised layers as PyTorch packs them: objects of its own classes
// (`__torch__.torch.classes.quantized.Conv2dPackedParamsBase`), made by prepack operators, or read
// from a file in one of the forms in which PyTorch has written them
// (aten/src/ATen/native/quantized/cpu/conv_serialization.h, qembeddingbag_prepack.cpp, RNN.cpp).
#pragma once

#include "torch/machine.h"

namespace tenon::torch {

struct PackedConv {
  TensorRef weight;  // quantised
  Value bias;        // a float tensor, or None
  std::vector<int64_t> stride, padding, output_padding, dilation;
  int64_t groups = 1;
  bool transposed = false;
};
struct PackedLinear {
  TensorRef weight;  // quantised; float where it is computed in half precision
  Value bias;
};
struct PackedCell {  // of a recurrent layer, one direction
  PackedLinear input, hidden;
  bool reduce_range = false;
};

Result<PackedConv> packed_conv(Machine& m, const Value& object);
Result<PackedLinear> packed_linear(Machine& m, const Value& object);
Result<TensorRef> packed_embedding(Machine& m, const Value& object);
Result<PackedCell> packed_cell(Machine& m, const Value& object);

// Packed parameters of this class, whose state is `state`.
Value packed(Machine& m, const std::string& type, Value state);
Value packed(Machine& m, const PackedConv& conv);

}  // namespace tenon::torch
