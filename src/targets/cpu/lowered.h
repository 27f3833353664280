// The operators that exist only inside the CPU engine (domain "cpu"): what fusion makes of ONNX's.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"
#include "targets/cpu/kernel.h"

namespace tenon::cpu {

// (X, W, B?, residual?) -> Y: Conv, then post-ops.
struct FusedConv {
  static constexpr std::string_view kName = "Conv";
  static constexpr std::string_view kDomain = cpu::kDomain;
  int64_t group = 1;
  std::vector<int64_t> strides, dilations, pads;  // pads are explicit, begins then ends
  std::vector<float> post;                        // post_op.h
  static constexpr auto fields() {
    return std::tuple{ir::field("group", &FusedConv::group),
                      ir::field("strides", &FusedConv::strides),
                      ir::field("dilations", &FusedConv::dilations),
                      ir::field("pads", &FusedConv::pads), ir::field("post", &FusedConv::post)};
  }
};

// (A, B, bias?, residual?) -> Y: MatMul of A[..., M, K] and B[..., K, N], either with its last two
// axes exchanged, times alpha, then + bias[N], then post-ops.
struct FusedMatMul {
  static constexpr std::string_view kName = "MatMul";
  static constexpr std::string_view kDomain = cpu::kDomain;
  bool trans_a = false;
  bool trans_b = false;
  float alpha = 1;
  std::vector<float> post;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("trans_a", &FusedMatMul::trans_a), ir::field("trans_b", &FusedMatMul::trans_b),
        ir::field("alpha", &FusedMatMul::alpha), ir::field("post", &FusedMatMul::post)};
  }
};

// (inputs...) -> Y: a program of elementwise operations over inputs that broadcast (pointwise.h).
struct Pointwise {
  static constexpr std::string_view kName = "Pointwise";
  static constexpr std::string_view kDomain = cpu::kDomain;
  std::vector<int64_t> code;
  std::vector<float> parameters;
  static constexpr auto fields() {
    return std::tuple{ir::field("code", &Pointwise::code),
                      ir::field("parameters", &Pointwise::parameters)};
  }
};

// (X) -> Y: the same tensor in the layout that the engine gave to Y.
struct Reorder {
  static constexpr std::string_view kName = "Reorder";
  static constexpr std::string_view kDomain = cpu::kDomain;
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::cpu
