// Attributes of DFT, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input, dft_length?, axis?) -> output; since opset 20. The last axis of the input holds real
// numbers (1) or real and imaginary parts (2).
struct DFT {
  static constexpr std::string_view kName = "DFT";
  bool inverse = false;
  bool onesided = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("inverse", &DFT::inverse), ir::field("onesided", &DFT::onesided)};
  }
};

}  // namespace tenon::ops
