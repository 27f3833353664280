// Attributes of the operators of this family, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (data, axes?) -> reduced; since opset 18.
struct ReduceMean {
  static constexpr std::string_view kName = "ReduceMean";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceMean::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceMean::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 13.
struct ReduceSum {
  static constexpr std::string_view kName = "ReduceSum";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceSum::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceSum::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 20.
struct ReduceMax {
  static constexpr std::string_view kName = "ReduceMax";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceMax::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceMax::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 20.
struct ReduceMin {
  static constexpr std::string_view kName = "ReduceMin";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceMin::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceMin::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 18.
struct ReduceProd {
  static constexpr std::string_view kName = "ReduceProd";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceProd::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceProd::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 18.
struct ReduceL1 {
  static constexpr std::string_view kName = "ReduceL1";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceL1::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceL1::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 18.
struct ReduceL2 {
  static constexpr std::string_view kName = "ReduceL2";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceL2::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceL2::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 28.
struct ReduceLogSum {
  static constexpr std::string_view kName = "ReduceLogSum";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceLogSum::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceLogSum::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 28.
struct ReduceLogSumExp {
  static constexpr std::string_view kName = "ReduceLogSumExp";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceLogSumExp::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceLogSumExp::noop_with_empty_axes)};
  }
};

// (data, axes?) -> reduced; since opset 18.
struct ReduceSumSquare {
  static constexpr std::string_view kName = "ReduceSumSquare";
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("keepdims", &ReduceSumSquare::keepdims),
                      ir::field("noop_with_empty_axes", &ReduceSumSquare::noop_with_empty_axes)};
  }
};

}  // namespace tenon::ops
