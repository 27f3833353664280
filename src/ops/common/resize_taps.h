// Which positions of an axis Resize mixes, and with what weights: for kernels, and where it is said
// by other operators.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "ops/resize/resize.h"

namespace tenon::ops {

struct ResizedAxis {
  int64_t in = 0, out = 0;
  double scale = 1;
  double roi_start = 0, roi_end = 1;

  bool changes() const { return in != out || scale != 1 || roi_start != 0 || roi_end != 1; }
};

// How one output position of an axis is made of input positions.
struct Taps {
  std::vector<int64_t> index;
  std::vector<double> weight;  // as many for every position
  bool outside = false;        // takes the extrapolation value
};

// All axes of a tensor of these sizes; empty spans stand for inputs that are absent. The error is
// why the node is not valid.
std::expected<std::vector<ResizedAxis>, std::string> resized_axes(const Resize& op,
                                                                  std::span<const int64_t> dims,
                                                                  std::span<const double> roi,
                                                                  std::span<const float> scales,
                                                                  std::span<const int64_t> sizes);

// For every position of the output, as ONNX defines it (operator Resize, opset 19).
std::vector<Taps> make_taps(const Resize& op, const ResizedAxis& axis);

}  // namespace tenon::ops
