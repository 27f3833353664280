#include "ops/recurrent/recurrent.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> recurrent_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<LSTM>(), onnx::plain<GRU>(),
                                           onnx::plain<RNN>()};
  return rows;
}

}  // namespace tenon::ops
