// Attributes of LRN, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> Y; since opset 13.
struct LRN {
  static constexpr std::string_view kName = "LRN";
  float alpha = 9.9999997e-05f;
  float beta = 0.75f;
  float bias = 1.0f;
  int64_t size = {};
  static constexpr auto fields() {
    return std::tuple{ir::field("alpha", &LRN::alpha), ir::field("beta", &LRN::beta),
                      ir::field("bias", &LRN::bias), ir::field("size", &LRN::size)};
  }
};

}  // namespace tenon::ops
