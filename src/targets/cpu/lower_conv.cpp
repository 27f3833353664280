// Conv becomes cpu.Conv with explicit pads, and takes in the residual addition and the activation
// that follow it.
#include "ops/activation/activation.h"
#include "ops/conv/conv.h"
#include "targets/cpu/lower.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/post_op.h"

namespace tenon::cpu {
namespace {

constexpr size_t kMostPostOps = 3;

// Begins, then ends; nullopt where they depend on sizes that are not known.
std::optional<std::vector<int64_t>> explicit_pads(const ops::Conv& conv, const ir::Shape& x,
                                                  const Dims& kernel, const Dims& strides,
                                                  const Dims& dilations) {
  const size_t n = kernel.size();
  if (conv.auto_pad == "NOTSET") return conv.pads.empty() ? Dims(2 * n, 0) : conv.pads;
  if (conv.auto_pad == "VALID") return Dims(2 * n, 0);
  Dims pads(2 * n, 0);
  for (size_t i = 0; i < n; ++i) {
    const int64_t window = dilations[i] * (kernel[i] - 1) + 1;
    int64_t total = window - 1;  // where the stride is 1
    if (strides[i] != 1) {
      const auto size = x[i + 2].constant();
      if (!size) return std::nullopt;
      const int64_t out = (*size + strides[i] - 1) / strides[i];
      total = std::max<int64_t>((out - 1) * strides[i] + window - *size, 0);
    }
    const int64_t small = total / 2;
    pads[i] = conv.auto_pad == "SAME_UPPER" ? small : total - small;
    pads[n + i] = total - pads[i];
  }
  return pads;
}

std::optional<FusedConv> plain_conv(const ir::Node& node) {
  const ir::Value *x = node.input(0), *w = node.input(1);
  if (!all_of_type(node, DType::f32) || !x->shape() || !w->shape()) return std::nullopt;
  const auto dims = ir::constant_dims(*w->shape());
  if (!dims || dims->size() < 3 || dims->size() > 5 || x->shape()->size() != dims->size())
    return std::nullopt;
  const auto conv = node.as<ops::Conv>();
  const Dims kernel(dims->begin() + 2, dims->end());
  const Dims ones(kernel.size(), 1);
  FusedConv out;
  out.group = conv.group;
  out.strides = conv.strides.empty() ? ones : conv.strides;
  out.dilations = conv.dilations.empty() ? ones : conv.dilations;
  if (out.strides.size() != kernel.size() || out.dilations.size() != kernel.size())
    return std::nullopt;
  auto pads = explicit_pads(conv, *x->shape(), kernel, out.strides, out.dilations);
  if (!pads || pads->size() != 2 * kernel.size()) return std::nullopt;
  out.pads = std::move(*pads);
  return out;
}

// x * gate(x) over two nodes: swish and hardswish as some programs spell them.
std::optional<std::pair<PostOp, ir::Node*>> gated(const ir::Value* x) {
  if (x->uses.size() != 2) return std::nullopt;
  for (int i : {0, 1}) {
    ir::Node *gate = x->uses[i].node, *product = x->uses[1 - i].node;
    if (!product->is("Mul") || product->graph != x->graph || gate->graph != x->graph) continue;
    if (gate->outputs().size() != 1 || only_user(gate->output()) != product) continue;
    if (gate->is("Sigmoid")) return {{PostOp{PostOp::Kind::swish, 1, 0}, product}};
    if (gate->is("HardSigmoid")) {
      const auto op = gate->as<ops::HardSigmoid>();
      if (std::abs(op.alpha - 1.0f / 6) < 1e-6f && op.beta == 0.5f)
        return {{PostOp{PostOp::Kind::hardswish}, product}};
    }
  }
  return std::nullopt;
}

void lower_one(ir::Graph& graph, ir::Node* node, bool fuse) {
  auto op = plain_conv(*node);
  if (!op) return;
  std::vector<PostOp> post;
  std::vector<ir::Value*> inputs(node->inputs().begin(), node->inputs().end());
  ir::Node* last = node;
  while (fuse && post.size() < kMostPostOps) {
    ir::Value* out = last->output();
    if (auto found = gated(out)) {
      post.push_back(found->first);
      last = found->second;
      continue;
    }
    ir::Node* user = only_user(out);
    if (user == nullptr) break;
    if (auto activation = as_post_op(*user); activation && user->input(0) == out) {
      post.push_back(*activation);
      last = user;
      continue;
    }
    if (!user->is("Add") || !post.empty()) break;
    ir::Value* other = user->input(0) == out ? user->input(1) : user->input(0);
    if (other == out || other->is_constant() || other->type != out->type || !other->shape()) break;
    inputs.resize(4, nullptr);
    inputs[3] = other;
    post.push_back({PostOp::Kind::sum});
    last = user;
  }
  op->post = encode(post);
  replace_with(graph, last, "Conv", ir::to_attributes(*op), std::move(inputs), *node);
}

}  // namespace

void lower_convolutions(ir::Graph& graph, bool fuse) {
  std::vector<ir::Node*> found;
  for (const auto& node : graph.nodes()) {
    if (node->is("Conv")) found.push_back(node.get());
    for (const ir::Subgraph& sub : node->subgraphs) lower_convolutions(*sub.graph, fuse);
  }
  for (ir::Node* node : found) lower_one(graph, node, fuse);
  graph.remove_dead();
}

}  // namespace tenon::cpu
