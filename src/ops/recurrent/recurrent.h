// Attributes of LSTM, GRU and RNN, as in ONNX.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// (X, W, R, B?, sequence_lens?, initial_h?, initial_c?, P?) -> Y?, Y_h?, Y_c?; since opset 22.
struct LSTM {
  static constexpr std::string_view kName = "LSTM";
  std::optional<std::vector<float>> activation_alpha;
  std::optional<std::vector<float>> activation_beta;
  std::optional<std::vector<std::string>> activations;
  std::optional<float> clip;
  std::string direction = "forward";
  std::optional<int64_t> hidden_size;
  bool input_forget = false;
  int64_t layout = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("activation_alpha", &LSTM::activation_alpha),
                      ir::field("activation_beta", &LSTM::activation_beta),
                      ir::field("activations", &LSTM::activations),
                      ir::field("clip", &LSTM::clip),
                      ir::field("direction", &LSTM::direction),
                      ir::field("hidden_size", &LSTM::hidden_size),
                      ir::field("input_forget", &LSTM::input_forget),
                      ir::field("layout", &LSTM::layout)};
  }
};

// (X, W, R, B?, sequence_lens?, initial_h?) -> Y?, Y_h?; since opset 22.
struct GRU {
  static constexpr std::string_view kName = "GRU";
  std::optional<std::vector<float>> activation_alpha;
  std::optional<std::vector<float>> activation_beta;
  std::optional<std::vector<std::string>> activations;
  std::optional<float> clip;
  std::string direction = "forward";
  std::optional<int64_t> hidden_size;
  int64_t layout = 0;
  bool linear_before_reset = false;
  static constexpr auto fields() {
    return std::tuple{ir::field("activation_alpha", &GRU::activation_alpha),
                      ir::field("activation_beta", &GRU::activation_beta),
                      ir::field("activations", &GRU::activations),
                      ir::field("clip", &GRU::clip),
                      ir::field("direction", &GRU::direction),
                      ir::field("hidden_size", &GRU::hidden_size),
                      ir::field("layout", &GRU::layout),
                      ir::field("linear_before_reset", &GRU::linear_before_reset)};
  }
};

// (X, W, R, B?, sequence_lens?, initial_h?) -> Y?, Y_h?; since opset 22.
struct RNN {
  static constexpr std::string_view kName = "RNN";
  std::optional<std::vector<float>> activation_alpha;
  std::optional<std::vector<float>> activation_beta;
  std::vector<std::string> activations = {"Tanh", "Tanh"};
  std::optional<float> clip;
  std::string direction = "forward";
  std::optional<int64_t> hidden_size;
  int64_t layout = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("activation_alpha", &RNN::activation_alpha),
                      ir::field("activation_beta", &RNN::activation_beta),
                      ir::field("activations", &RNN::activations),
                      ir::field("clip", &RNN::clip),
                      ir::field("direction", &RNN::direction),
                      ir::field("hidden_size", &RNN::hidden_size),
                      ir::field("layout", &RNN::layout)};
  }
};

}  // namespace tenon::ops
