#include "ops/loop/loop.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Types of carried values settle as the body is inferred again.
Status infer_body(ir::Node& node, ir::Graph& body, const ir::OpSet& ops) {
  for (int round = 0; round < 4; ++round) {
    std::vector<ir::Type> before;
    for (const ir::Value* input : body.inputs()) before.push_back(input->type);
    TRY(ir::infer(node, ops));
    bool same = true;
    for (size_t i = 0; i < before.size(); ++i) same &= before[i] == body.inputs()[i]->type;
    if (same) return {};
    TRY(ir::infer(body, ops));
  }
  return ir::infer(node, ops);
}

Result<onnx::Values> read_loop(onnx::ImportContext& c) {
  ir::Graph& graph = c.b.graph();
  if (c.inputs.size() < 2) c.resize(2);
  ir::Node* node = graph.add_node("", "Loop", {}, c.inputs, c.outputs, c.b.origin());
  ir::Graph* body = graph.add_subgraph(node, "body");
  body->add_input("iteration", ir::Type::tensor(DType::i64, ir::Shape{}));
  body->add_input("condition", ir::Type::tensor(DType::boolean, ir::Shape{}));
  for (size_t i = 2; i < c.inputs.size(); ++i) {
    if (!c.has(i)) return c.fail(fmt::format("its carried value {} is missing", i - 2));
    body->add_input({}, c.input(i)->type);
  }
  TRY(c.read_graph("body", *body));
  TRY(infer_body(*node, *body, c.b.ops()));
  return onnx::Values(node->outputs().begin(), node->outputs().end());
}

}  // namespace

std::span<const onnx::Mapping> loop_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Loop>({.read = read_loop})};
  return rows;
}

}  // namespace tenon::ops
