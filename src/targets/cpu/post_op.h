// What a convolution or matrix product does to its result before it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace tenon::cpu {

struct PostOp {
  enum class Kind : uint8_t {
    sum,       // + the residual, one more input of the node
    relu,      // x > 0 ? x : alpha x
    clip,      // alpha <= x <= beta
    logistic,  // 1 / (1 + exp(-x))
    tanh,
    elu,  // alpha (exp(x) - 1) below 0
    gelu_erf,
    gelu_tanh,
    swish,        // x logistic(alpha x)
    hardswish,    // x clip(x/6 + 1/2, 0, 1)
    hardsigmoid,  // clip(alpha x + beta, 0, 1)
    linear,       // alpha x + beta
  };
  Kind kind = Kind::relu;
  float alpha = 0;
  float beta = 0;
  bool operator==(const PostOp&) const = default;
};

std::string_view name(PostOp::Kind kind);

// The post-op that a node computes from its input 0, where it is one (an activation with constant
// parameters).
std::optional<PostOp> as_post_op(const ir::Node& node);

// As attributes of lowered nodes: "post" holds (kind, alpha, beta) triples.
std::vector<float> encode(const std::vector<PostOp>& ops);
std::vector<PostOp> decode(const std::vector<float>& code);

}  // namespace tenon::cpu
