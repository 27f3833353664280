// Shapes as the command line writes them: trtexec's "name:1x3x360x640,other:4,scalar:" and, for
// everything, "ids[batch=1..8,seq=1..512]:i64", "'Input:0'[1,3,H,W]:f32".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tenon/tensor.h"

namespace tenon {

// One dimension: a size, or a named dynamic one with an optional range and optimal size.
struct DimSpec {
  std::string symbol;           // empty where the size is fixed
  std::optional<int64_t> size;  // of a fixed dimension; of a dynamic one the size to optimise for
  std::optional<int64_t> min, max;
  bool operator==(const DimSpec&) const = default;
};

struct InputSpec {
  std::string name;  // an input's name, or "input_0" by position
  std::vector<DimSpec> dims;
  DType dtype = DType::undefined;  // undefined where it is not said
  bool operator==(const InputSpec&) const = default;
};

// Dimensions of the bracket form: `3` fixed, `batch` dynamic, `batch=8` dynamic and best at 8,
// `batch=1..8` with a range, `batch=1..4..8` with range and best size in the middle.
Result<std::vector<InputSpec>> parse_shapes(std::string_view text);

}  // namespace tenon
