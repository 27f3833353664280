#include "ops/if/if.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

Result<onnx::Values> read_if(onnx::ImportContext& c) {
  ir::Graph& graph = c.b.graph();
  ir::Node* node = graph.add_node("", "If", {}, c.inputs, c.outputs, c.b.origin());
  for (const char* name : {"then_branch", "else_branch"})
    TRY(c.read_graph(name, *graph.add_subgraph(node, name), {}));
  TRY(ir::infer(*node, c.b.ops()));
  return onnx::Values(node->outputs().begin(), node->outputs().end());
}

}  // namespace

std::span<const onnx::Mapping> if_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<If>({.read = read_if})};
  return rows;
}

}  // namespace tenon::ops
