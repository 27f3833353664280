#include "ops/ctc_loss/ctc_loss.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> ctc_loss_onnx() {
  static constexpr onnx::Mapping rows[] = {
      {.op = CTCLoss::kName, .defaults = &onnx::with_defaults<CTCLoss>, .domain = CTCLoss::kDomain}};
  return rows;
}

}  // namespace tenon::ops
