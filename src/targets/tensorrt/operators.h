// The table of ONNX's operators that each TensorRT release takes, and of which types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "targets/tensorrt/release.h"
#include "tenon/tensor.h"

namespace tenon::tensorrt {

// Sets of the types that the tables know; int64 stands for itself only where a release has it.
using TypeSet = uint16_t;
inline constexpr TypeSet kF32 = 1, kF16 = 2, kBF16 = 4, kF8 = 8, kF4 = 16, kI4 = 32, kI8 = 64,
                         kI32 = 128, kI64 = 256, kU8 = 512, kBool = 1024;
TypeSet type_set(DType dtype);  // of the one type; 0 where no release has it
std::string to_string(TypeSet types);

struct OperatorRow {
  std::string_view op;
  int since;  // major * 100 + minor of the first release that the row holds for
  bool taken;
  TypeSet types;                 // empty: the tables do not say
  std::string_view restriction;  // what it has to have; may be empty
};
struct OpsetRow {
  int since;
  int newest;
};

// Null where the release does not take the operator.
const OperatorRow* find_operator(std::string_view op, const Release& release);
// The first release of the family that takes it.
std::optional<Version> first_release(std::string_view op, Family family);
int newest_opset(const Release& release);

}  // namespace tenon::tensorrt
