// Attributes of Attention, as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (Q, K, V, attn_mask?, past_key?, past_value?, nonpad_kv_seqlen?) -> Y, present_key?,
// present_value?, qk_matmul_output?; since opset 25.
struct Attention {
  static constexpr std::string_view kName = "Attention";
  bool is_causal = false;
  std::optional<int64_t> kv_num_heads;
  int64_t left_window_size = -1;
  std::optional<int64_t> q_num_heads;
  int64_t qk_matmul_output_mode = 0;
  int64_t right_window_size = -1;
  std::optional<float> scale;
  float softcap = 0.0f;
  std::optional<int64_t> softmax_precision;
  static constexpr auto fields() {
    return std::tuple{ir::field("is_causal", &Attention::is_causal),
                      ir::field("kv_num_heads", &Attention::kv_num_heads),
                      ir::field("left_window_size", &Attention::left_window_size),
                      ir::field("q_num_heads", &Attention::q_num_heads),
                      ir::field("qk_matmul_output_mode", &Attention::qk_matmul_output_mode),
                      ir::field("right_window_size", &Attention::right_window_size),
                      ir::field("scale", &Attention::scale),
                      ir::field("softcap", &Attention::softcap),
                      ir::field("softmax_precision", &Attention::softmax_precision)};
  }
};

}  // namespace tenon::ops
