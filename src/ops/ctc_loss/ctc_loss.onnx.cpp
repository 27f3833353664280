#include "ops/ctc_loss/ctc_loss.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> ctc_loss_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::lacking<CTCLoss>("ONNX has no connectionist temporal classification loss")};
  return rows;
}

}  // namespace tenon::ops
