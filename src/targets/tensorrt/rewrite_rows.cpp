#include <algorithm>
#include <array>

#include "base/error.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {
namespace {

constexpr std::array<std::string_view, 4> kAlongAnAxis = {"ArgMax", "ArgMin", "Softmax",
                                                          "LogSoftmax"};

bool works_on_vector(const ir::Node& node) {
  const bool known =
      node.domain.empty() && std::ranges::find(kAlongAnAxis, node.op) != kAlongAnAxis.end();
  return known && node.input(0)->rank() == 1;
}

bool is_row_times_stack(const ir::Node& node) {
  return node.is("MatMul") && node.input(0)->rank() == 1 && node.input(1)->rank().value_or(0) > 2;
}

// The node done to a row instead, which is one axis more than it was given at the end too.
Status on_row(ir::Node& node, int64_t extra, const ir::OpSet& ops) {
  ir::Builder b = before(node, ops);
  std::vector<ir::Value*> inputs(node.inputs().begin(), node.inputs().end());
  inputs[0] = b.emit_named("Unsqueeze", {inputs[0], b.ints({0})});
  ir::Attributes attributes = node.attributes;
  if (attributes.find("axis") != nullptr) attributes.set("axis", int64_t{1});
  ir::Node* made = b.emit_node("", node.op, std::move(attributes), std::move(inputs), 1);
  made->name = std::exchange(node.name, {});
  ir::Value* out = b.emit_named("Squeeze", {made->output(), b.ints({extra})});
  TRY(b.status());
  out->name = node.output()->name;
  out->contents = node.output()->contents;
  for (ir::Symbol& symbol : node.graph->root().symbols) {
    if (symbol.source == node.output()) symbol.source = out;
  }
  node.graph->replace_uses(node.output(), out);
  node.graph->erase(&node);
  return {};
}

}  // namespace

Status make_rows(ir::Graph& graph, const ir::OpSet& ops) {
  for (ir::Node* node : all_nodes(graph)) {
    if (works_on_vector(*node))
      TRY(on_row(*node, 0, ops));
    else if (is_row_times_stack(*node))
      TRY(on_row(*node, -2, ops));
  }
  return {};
}

}  // namespace tenon::tensorrt
