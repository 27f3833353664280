// Whether TensorRT understood the types as the model says them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "targets/tensorrt/builder.h"

namespace tenon::tensorrt {

// The type of every tensor of a graph as it is written, subgraphs included, by its name.
std::map<std::string, DType> tensor_types(const ir::Graph& written);

struct TypeMismatch {
  std::string layer, tensor;
  std::string wanted, got;  // "f16", "f32"
};
struct TypeCheck {
  size_t verified = 0;  // outputs of layers that have the model's type
  std::vector<TypeMismatch> mismatches = {};
  size_t own = 0;                             // outputs that TensorRT's parser made itself
  std::map<std::string, size_t> layers = {};  // how many there are of each type of output
};
// Tensors are matched by name. Where the network has no types of its own (TensorRT 8, 9) the parser
// narrows i64 to i32 and f64 to f32, and that is no mismatch.
TypeCheck check_types(const Network& network, const std::map<std::string, DType>& wanted,
                      bool typed);

}  // namespace tenon::tensorrt
