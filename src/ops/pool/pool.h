// Attributes of MaxPool, AveragePool, LpPool, as in ONNX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y, Indices?; since opset 22.
struct MaxPool {
  static constexpr std::string_view kName = "MaxPool";
  std::string auto_pad = "NOTSET";
  bool ceil_mode = false;
  std::vector<int64_t> dilations;
  std::vector<int64_t> kernel_shape;
  std::vector<int64_t> pads;
  int64_t storage_order = 0;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{ir::field("auto_pad", &MaxPool::auto_pad),
                      ir::field("ceil_mode", &MaxPool::ceil_mode),
                      ir::field("dilations", &MaxPool::dilations),
                      ir::field("kernel_shape", &MaxPool::kernel_shape),
                      ir::field("pads", &MaxPool::pads),
                      ir::field("storage_order", &MaxPool::storage_order),
                      ir::field("strides", &MaxPool::strides)};
  }
};

// (X) -> Y; since opset 22.
struct AveragePool {
  static constexpr std::string_view kName = "AveragePool";
  std::string auto_pad = "NOTSET";
  bool ceil_mode = false;
  bool count_include_pad = false;
  std::vector<int64_t> dilations;
  std::vector<int64_t> kernel_shape;
  std::vector<int64_t> pads;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{ir::field("auto_pad", &AveragePool::auto_pad),
                      ir::field("ceil_mode", &AveragePool::ceil_mode),
                      ir::field("count_include_pad", &AveragePool::count_include_pad),
                      ir::field("dilations", &AveragePool::dilations),
                      ir::field("kernel_shape", &AveragePool::kernel_shape),
                      ir::field("pads", &AveragePool::pads),
                      ir::field("strides", &AveragePool::strides)};
  }
};

// (X) -> Y; since opset 22.
struct LpPool {
  static constexpr std::string_view kName = "LpPool";
  std::string auto_pad = "NOTSET";
  bool ceil_mode = false;
  std::vector<int64_t> dilations;
  std::vector<int64_t> kernel_shape;
  int64_t p = 2;
  std::vector<int64_t> pads;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{ir::field("auto_pad", &LpPool::auto_pad),
                      ir::field("ceil_mode", &LpPool::ceil_mode),
                      ir::field("dilations", &LpPool::dilations),
                      ir::field("kernel_shape", &LpPool::kernel_shape),
                      ir::field("p", &LpPool::p),
                      ir::field("pads", &LpPool::pads),
                      ir::field("strides", &LpPool::strides)};
  }
};

}  // namespace tenon::ops
