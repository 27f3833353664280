// Attributes of the operators of this family, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (inputs...) -> output_sequence; since opset 11.
struct SequenceConstruct {
  static constexpr std::string_view kName = "SequenceConstruct";
  static constexpr auto fields() { return std::tuple{}; }
};

// () -> output; since opset 11.
struct SequenceEmpty {
  static constexpr std::string_view kName = "SequenceEmpty";
  std::optional<int64_t> dtype;
  static constexpr auto fields() { return std::tuple{ir::field("dtype", &SequenceEmpty::dtype)}; }
};

// (input_sequence, tensor, position?) -> output_sequence; since opset 11.
struct SequenceInsert {
  static constexpr std::string_view kName = "SequenceInsert";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input_sequence, position?) -> output_sequence; since opset 11.
struct SequenceErase {
  static constexpr std::string_view kName = "SequenceErase";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input_sequence, position) -> tensor; since opset 11.
struct SequenceAt {
  static constexpr std::string_view kName = "SequenceAt";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input_sequence) -> length; since opset 11.
struct SequenceLength {
  static constexpr std::string_view kName = "SequenceLength";
  static constexpr auto fields() { return std::tuple{}; }
};

// (input_sequence) -> concat_result; since opset 11.
struct ConcatFromSequence {
  static constexpr std::string_view kName = "ConcatFromSequence";
  int64_t axis = {};
  int64_t new_axis = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &ConcatFromSequence::axis),
                      ir::field("new_axis", &ConcatFromSequence::new_axis)};
  }
};

// (input, split?) -> output_sequence; since opset 24.
struct SplitToSequence {
  static constexpr std::string_view kName = "SplitToSequence";
  int64_t axis = 0;
  bool keepdims = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &SplitToSequence::axis),
                      ir::field("keepdims", &SplitToSequence::keepdims)};
  }
};

}  // namespace tenon::ops
