#include "ops/sequence/sequence.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> sequence_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<SequenceConstruct>(),  onnx::plain<SequenceEmpty>(),
      onnx::plain<SequenceInsert>(),     onnx::plain<SequenceErase>(),
      onnx::plain<SequenceAt>(),         onnx::plain<SequenceLength>(),
      onnx::plain<ConcatFromSequence>(), onnx::plain<SplitToSequence>(),
  };
  return rows;
}

}  // namespace tenon::ops
