// Attributes of STFT, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (signal, frame_step, window?, frame_length?) -> output; since opset 17. The signal is
// [batch, length, 1 or 2], the output [batch, frames, frequencies, 2].
struct STFT {
  static constexpr std::string_view kName = "STFT";
  bool onesided = true;
  static constexpr auto fields() { return std::tuple{ir::field("onesided", &STFT::onesided)}; }
};

}  // namespace tenon::ops
