#include "targets/cpu/post_op.h"

#include <array>
#include <limits>

#include "ops/activation/activation.h"

namespace tenon::cpu {
namespace {

constexpr std::array<std::string_view, 12> kNames = {
    "sum",      "relu",      "clip",  "logistic",  "tanh",        "elu",
    "gelu_erf", "gelu_tanh", "swish", "hardswish", "hardsigmoid", "linear",
};

std::optional<float> scalar(const ir::Value* value) {
  if (value == nullptr || !value->is_constant() || value->dtype() != DType::f32 ||
      value->constant->count() != 1) {
    return std::nullopt;
  }
  return value->constant->values<float>()[0];
}

std::optional<PostOp> clip(const ir::Node& node) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const auto low = node.input(1) ? scalar(node.input(1)) : -inf;
  const auto high = node.input(2) ? scalar(node.input(2)) : inf;
  if (!low || !high || !(*low <= *high)) return std::nullopt;
  return PostOp{PostOp::Kind::clip, *low, *high};
}

}  // namespace

std::string_view name(PostOp::Kind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<PostOp> as_post_op(const ir::Node& node) {
  using Kind = PostOp::Kind;
  if (!node.domain.empty()) return std::nullopt;
  if (node.op == "Relu") return PostOp{Kind::relu, 0, 0};
  if (node.op == "LeakyRelu") return PostOp{Kind::relu, node.as<ops::LeakyRelu>().alpha, 0};
  if (node.op == "Sigmoid") return PostOp{Kind::logistic};
  if (node.op == "Tanh") return PostOp{Kind::tanh};
  if (node.op == "Elu") return PostOp{Kind::elu, node.as<ops::Elu>().alpha, 0};
  if (node.op == "HardSwish") return PostOp{Kind::hardswish};
  if (node.op == "Swish") return PostOp{Kind::swish, node.as<ops::Swish>().alpha, 0};
  if (node.op == "HardSigmoid") {
    const auto op = node.as<ops::HardSigmoid>();
    return PostOp{Kind::hardsigmoid, op.alpha, op.beta};
  }
  if (node.op == "Gelu") {
    return PostOp{node.as<ops::Gelu>().approximate == "tanh" ? Kind::gelu_tanh : Kind::gelu_erf};
  }
  if (node.op == "Clip") return clip(node);
  return std::nullopt;
}

std::vector<float> encode(const std::vector<PostOp>& ops) {
  std::vector<float> out;
  for (const PostOp& op : ops) {
    out.insert(out.end(), {static_cast<float>(op.kind), op.alpha, op.beta});
  }
  return out;
}

std::vector<PostOp> decode(const std::vector<float>& code) {
  std::vector<PostOp> out;
  for (size_t i = 0; i + 2 < code.size(); i += 3) {
    const auto kind = static_cast<size_t>(code[i]);
    if (kind < kNames.size())
      out.push_back({static_cast<PostOp::Kind>(kind), code[i + 1], code[i + 2]});
  }
  return out;
}

}  // namespace tenon::cpu
