#include "ops/mel_weights/mel_weights.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> mel_weights_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<MelWeightMatrix>()};
  return rows;
}

}  // namespace tenon::ops
