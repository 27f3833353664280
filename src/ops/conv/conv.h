// Attributes of Conv, as in ONNX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, W, B?) -> Y; since opset 22.
struct Conv {
  static constexpr std::string_view kName = "Conv";
  std::string auto_pad = "NOTSET";
  std::vector<int64_t> dilations;
  int64_t group = 1;
  std::vector<int64_t> kernel_shape;
  std::vector<int64_t> pads;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("auto_pad", &Conv::auto_pad), ir::field("dilations", &Conv::dilations),
        ir::field("group", &Conv::group),       ir::field("kernel_shape", &Conv::kernel_shape),
        ir::field("pads", &Conv::pads),         ir::field("strides", &Conv::strides)};
  }
};

}  // namespace tenon::ops
