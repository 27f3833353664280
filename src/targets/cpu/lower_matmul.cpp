// MatMul and Gemm become cpu.MatMul, and take in transposes of their last two axes, a bias, the
// residual addition and the activation.
#include "ops/gemm/gemm.h"
#include "ops/transpose/transpose.h"
#include "targets/cpu/lower.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/post_op.h"

namespace tenon::cpu {
namespace {

// The input of a Transpose that exchanges the last two axes and no others; else null.
ir::Value* exchanged(const ir::Value* value) {
  const ir::Node* node = value->producer;
  if (node == nullptr || !node->is("Transpose") || node->graph != value->graph || !value->rank())
    return nullptr;
  const size_t rank = *value->rank();
  const auto perm = node->as<ops::Transpose>().perm;
  if (rank < 2 || (!perm && rank != 2)) return nullptr;
  if (perm) {
    for (size_t i = 0; i < rank; ++i) {
      const size_t want = i + 2 == rank ? rank - 1 : i + 1 == rank ? rank - 2 : i;
      if ((*perm)[i] != static_cast<int64_t>(want)) return nullptr;
    }
  }
  return node->input(0);
}

// A row vector of `columns` elements, whatever its leading axes of size 1.
bool is_row(const ir::Value* value, const ir::Dim& columns) {
  if (value->dtype() != DType::f32 || !value->shape() || value->shape()->empty()) return false;
  const ir::Shape& shape = *value->shape();
  for (size_t i = 0; i + 1 < shape.size(); ++i) {
    if (!shape[i].is(1)) return false;
  }
  return shape.back() == columns;
}

std::optional<float> scalar(const ir::Value* value) {
  if (!value->is_constant() || value->dtype() != DType::f32 || value->constant->count() != 1)
    return std::nullopt;
  return value->constant->values<float>()[0];
}

struct Product {
  FusedMatMul op;
  std::vector<ir::Value*> inputs;
};

std::optional<Product> plain_product(const ir::Node& node) {
  if (!all_of_type(node, DType::f32) || !node.output()->shape()) return std::nullopt;
  Product out;
  ir::Value *a = node.input(0), *b = node.input(1);
  if (!a->rank() || !b->rank() || *a->rank() < 2 || *b->rank() < 2) return std::nullopt;
  ir::Value* bias = nullptr;
  if (node.is("Gemm")) {
    const auto gemm = node.as<ops::Gemm>();
    out.op.trans_a = gemm.trans_a;
    out.op.trans_b = gemm.trans_b;
    out.op.alpha = gemm.alpha;
    bias = node.input(2);
    if (bias != nullptr) {
      if (gemm.alpha != 1 || gemm.beta != 1 || !is_row(bias, node.output()->shape()->back()))
        return std::nullopt;
    }
  }
  if (ir::Value* from = exchanged(a)) {
    out.op.trans_a = !out.op.trans_a;
    a = from;
  }
  if (ir::Value* from = exchanged(b)) {
    out.op.trans_b = !out.op.trans_b;
    b = from;
  }
  out.inputs = {a, b, bias, nullptr};
  return out;
}

void lower_one(ir::Graph& graph, ir::Node* node, bool fuse) {
  auto product = plain_product(*node);
  if (!product) return;
  std::vector<PostOp> post;
  ir::Node* last = node;
  while (fuse && post.size() < 3) {
    ir::Value* out = last->output();
    ir::Node* user = only_user(out);
    if (user == nullptr) break;
    if (auto activation = as_post_op(*user); activation && user->input(0) == out) {
      post.push_back(*activation);
      last = user;
      continue;
    }
    if (!post.empty() || user->inputs().size() != 2) break;
    ir::Value* other = user->input(0) == out ? user->input(1) : user->input(0);
    const auto factor = scalar(other);
    const bool same_type = user->output()->type == out->type;
    if (user->is("Mul") && factor && product->inputs[2] == nullptr && same_type) {
      product->op.alpha *= *factor;
    } else if (user->is("Add") && product->inputs[2] == nullptr && product->op.alpha == 1 &&
               same_type && is_row(other, out->shape()->back())) {
      product->inputs[2] = other;
    } else if (user->is("Add") && other != out && other->type == out->type &&
               !other->is_constant()) {
      product->inputs[3] = other;
      post.push_back({PostOp::Kind::sum});
    } else {
      break;
    }
    last = user;
  }
  product->op.post = encode(post);
  auto& inputs = product->inputs;
  while (inputs.back() == nullptr) inputs.pop_back();
  replace_with(graph, last, "MatMul", ir::to_attributes(product->op), inputs, *node);
}

}  // namespace

void lower_products(ir::Graph& graph, bool fuse) {
  std::vector<ir::Node*> found;
  for (const auto& node : graph.nodes()) {
    if (node->is("MatMul") || node->is("Gemm")) found.push_back(node.get());
    for (const ir::Subgraph& sub : node->subgraphs) lower_products(*sub.graph, fuse);
  }
  for (ir::Node* node : found) lower_one(graph, node, fuse);
  graph.remove_dead();
}

}  // namespace tenon::cpu
