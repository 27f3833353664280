// Attributes of ConvTranspose, as in ONNX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, W, B?) -> Y; since opset 22.
struct ConvTranspose {
  static constexpr std::string_view kName = "ConvTranspose";
  std::string auto_pad = "NOTSET";
  std::vector<int64_t> dilations;
  int64_t group = 1;
  std::vector<int64_t> kernel_shape;
  std::vector<int64_t> output_padding;
  std::optional<std::vector<int64_t>> output_shape;
  std::vector<int64_t> pads;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{ir::field("auto_pad", &ConvTranspose::auto_pad),
                      ir::field("dilations", &ConvTranspose::dilations),
                      ir::field("group", &ConvTranspose::group),
                      ir::field("kernel_shape", &ConvTranspose::kernel_shape),
                      ir::field("output_padding", &ConvTranspose::output_padding),
                      ir::field("output_shape", &ConvTranspose::output_shape),
                      ir::field("pads", &ConvTranspose::pads),
                      ir::field("strides", &ConvTranspose::strides)};
  }
};

}  // namespace tenon::ops
