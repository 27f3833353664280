// Attributes of Gemm, as in ONNX.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (A, B, C?) -> Y; since opset 13.
struct Gemm {
  static constexpr std::string_view kName = "Gemm";
  float alpha = 1.0f;
  float beta = 1.0f;
  bool trans_a = false;
  bool trans_b = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("alpha", &Gemm::alpha), ir::field("beta", &Gemm::beta),
                      ir::field("transA", &Gemm::trans_a), ir::field("transB", &Gemm::trans_b)};
  }
};

}  // namespace tenon::ops
