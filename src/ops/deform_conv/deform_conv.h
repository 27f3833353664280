// Attributes of DeformConv, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, W, offset, B?, mask?) -> Y: a convolution whose taps are moved by `offset` (2 for each offset
// group and kernel position: rows first) and weighted by `mask`; since opset 22.
struct DeformConv {
  static constexpr std::string_view kName = "DeformConv";
  std::vector<int64_t> dilations;
  int64_t group = 1;
  std::vector<int64_t> kernel_shape;
  int64_t offset_group = 1;
  std::vector<int64_t> pads;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{ir::field("dilations", &DeformConv::dilations),
                      ir::field("group", &DeformConv::group),
                      ir::field("kernel_shape", &DeformConv::kernel_shape),
                      ir::field("offset_group", &DeformConv::offset_group),
                      ir::field("pads", &DeformConv::pads),
                      ir::field("strides", &DeformConv::strides)};
  }
};

}  // namespace tenon::ops
