// Attributes of the operators that draw random numbers, as in ONNX. Without a seed the numbers are
// others each time. Types are numbered as in ONNX.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "ir/attributes.h"

namespace tenon::ops {

// () -> Y, uniform over [low, high); since opset 22.
struct RandomUniform {
  static constexpr std::string_view kName = "RandomUniform";
  int64_t dtype = 1;
  float high = 1;
  float low = 0;
  std::optional<float> seed;
  std::vector<int64_t> shape;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("dtype", &RandomUniform::dtype), ir::field("high", &RandomUniform::high),
        ir::field("low", &RandomUniform::low), ir::field("seed", &RandomUniform::seed),
        ir::field("shape", &RandomUniform::shape)};
  }
};

// (X) -> Y of the shape of X; since opset 22.
struct RandomUniformLike {
  static constexpr std::string_view kName = "RandomUniformLike";
  std::optional<int64_t> dtype;
  float high = 1;
  float low = 0;
  std::optional<float> seed;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("dtype", &RandomUniformLike::dtype), ir::field("high", &RandomUniformLike::high),
        ir::field("low", &RandomUniformLike::low), ir::field("seed", &RandomUniformLike::seed)};
  }
};

// () -> Y, normal with this mean and standard deviation; since opset 22.
struct RandomNormal {
  static constexpr std::string_view kName = "RandomNormal";
  int64_t dtype = 1;
  float mean = 0;
  float scale = 1;
  std::optional<float> seed;
  std::vector<int64_t> shape;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("dtype", &RandomNormal::dtype), ir::field("mean", &RandomNormal::mean),
        ir::field("scale", &RandomNormal::scale), ir::field("seed", &RandomNormal::seed),
        ir::field("shape", &RandomNormal::shape)};
  }
};

// (X) -> Y of the shape of X; since opset 22.
struct RandomNormalLike {
  static constexpr std::string_view kName = "RandomNormalLike";
  std::optional<int64_t> dtype;
  float mean = 0;
  float scale = 1;
  std::optional<float> seed;
  static constexpr auto fields() {
    return std::tuple{
        ir::field("dtype", &RandomNormalLike::dtype), ir::field("mean", &RandomNormalLike::mean),
        ir::field("scale", &RandomNormalLike::scale), ir::field("seed", &RandomNormalLike::seed)};
  }
};

// (probabilities) -> 1 with the probability, else 0; since opset 22.
struct Bernoulli {
  static constexpr std::string_view kName = "Bernoulli";
  std::optional<int64_t> dtype;
  std::optional<float> seed;
  static constexpr auto fields() {
    return std::tuple{ir::field("dtype", &Bernoulli::dtype), ir::field("seed", &Bernoulli::seed)};
  }
};

// (logarithms of unnormalised probabilities [batch, classes]) -> classes drawn with replacement
// [batch, sample_size]; since opset 22.
struct Multinomial {
  static constexpr std::string_view kName = "Multinomial";
  int64_t dtype = 6;
  int64_t sample_size = 1;
  std::optional<float> seed;
  static constexpr auto fields() {
    return std::tuple{ir::field("dtype", &Multinomial::dtype),
                      ir::field("sample_size", &Multinomial::sample_size),
                      ir::field("seed", &Multinomial::seed)};
  }
};

}  // namespace tenon::ops
