// Attributes of MelWeightMatrix, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz) -> output; since
// opset 17.
struct MelWeightMatrix {
  static constexpr std::string_view kName = "MelWeightMatrix";
  int64_t output_datatype = 1;
  static constexpr auto fields() {
    return std::tuple{ir::field("output_datatype", &MelWeightMatrix::output_datatype)};
  }
};

}  // namespace tenon::ops
