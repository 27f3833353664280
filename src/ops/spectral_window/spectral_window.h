// Attributes of the window functions, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (size) -> output; since opset 17.
struct HannWindow {
  static constexpr std::string_view kName = "HannWindow";
  int64_t output_datatype = 1;
  bool periodic = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("output_datatype", &HannWindow::output_datatype),
                      ir::field("periodic", &HannWindow::periodic)};
  }
};

// (size) -> output; since opset 17.
struct HammingWindow {
  static constexpr std::string_view kName = "HammingWindow";
  int64_t output_datatype = 1;
  bool periodic = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("output_datatype", &HammingWindow::output_datatype),
                      ir::field("periodic", &HammingWindow::periodic)};
  }
};

// (size) -> output; since opset 17.
struct BlackmanWindow {
  static constexpr std::string_view kName = "BlackmanWindow";
  int64_t output_datatype = 1;
  bool periodic = true;
  static constexpr auto fields() {
    return std::tuple{ir::field("output_datatype", &BlackmanWindow::output_datatype),
                      ir::field("periodic", &BlackmanWindow::periodic)};
  }
};

// a - b cos(2 pi i / n) + c cos(4 pi i / n)
struct CosineSum {
  double a = 0, b = 0, c = 0;
};
inline constexpr CosineSum kHann{0.5, 0.5, 0}, kHamming{25.0 / 46, 21.0 / 46, 0},
    kBlackman{0.42, 0.5, 0.08};

}  // namespace tenon::ops
