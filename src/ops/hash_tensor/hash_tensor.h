// Attributes of HashTensor, an operator of Tenon's own.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y of u64: the exclusive or of the elements' bits along the axes (all where there are none
// named). Floating point numbers are taken as f64, integers as i64.
struct HashTensor {
  static constexpr std::string_view kName = "HashTensor";
  static constexpr std::string_view kDomain = "tenon";
  std::vector<int64_t> axes = {};
  bool keepdims = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("axes", &HashTensor::axes),
                      ir::field("keepdims", &HashTensor::keepdims)};
  }
};

}  // namespace tenon::ops
