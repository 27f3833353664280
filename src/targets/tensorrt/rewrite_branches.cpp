#include <algorithm>

#include "base/error.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {
namespace {

ir::Value* itself(ir::Value* value) {
  while (value->producer && value->producer->is("Identity")) value = value->producer->input(0);
  return value;
}

bool is_around(const ir::Value* value, const ir::Graph& branch) {
  if (value->is_constant()) return true;
  const ir::Graph* graph = branch.parent();
  while (graph != nullptr && graph != value->graph) graph = graph->parent();
  return graph != nullptr;
}

// The value from around the If that an output of it is on both sides; null where there is none.
ir::Value* either_way(const ir::Node& node, size_t output) {
  const ir::Graph *yes = node.subgraph("then_branch"), *no = node.subgraph("else_branch");
  if (yes == nullptr || no == nullptr) return nullptr;
  ir::Value* value = itself(yes->outputs()[output]);
  return value == itself(no->outputs()[output]) && is_around(value, *yes) ? value : nullptr;
}

Status pass_by(ir::Node& node, const ir::OpSet& ops) {
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    ir::Value* value = node.output(i)->uses.empty() ? nullptr : either_way(node, i);
    if (value == nullptr) continue;
    // Outputs of graphs are computed in them.
    ir::Builder b = before(node, ops);
    node.graph->replace_uses(node.output(i), b.emit_named("Identity", {value}));
    TRY(b.status());
  }
  return {};
}

void keep_used(ir::Node& node) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    if (!node.output(i)->uses.empty()) kept.push_back(i);
  }
  if (kept.size() == node.outputs().size() || kept.empty()) return;
  ir::Graph& graph = *node.graph;
  ir::Node* made =
      graph.add_node(node.domain, node.op, node.attributes,
                     {node.inputs().begin(), node.inputs().end()}, kept.size(), node.origin, &node);
  made->name = node.name;
  made->subgraphs = std::move(node.subgraphs);
  node.subgraphs.clear();
  for (size_t i = 0; i < kept.size(); ++i) stand_for(node.output(kept[i]), made->output(i));
  for (const ir::Subgraph& sub : made->subgraphs) {
    for (size_t i = node.outputs().size(); i-- > 0;) {
      if (std::ranges::find(kept, i) == kept.end()) sub.graph->remove_output(i);
    }
  }
  graph.erase(&node);
}

size_t count_outputs(const ir::Graph& graph) {
  size_t out = 0;
  for (const ir::Node* node : all_nodes(graph)) out += node->outputs().size();
  return out;
}

}  // namespace

Status prune_branches(ir::Graph& graph, const ir::OpSet& ops) {
  const auto branches = [&] {
    std::vector<ir::Node*> out = all_nodes(graph);
    std::erase_if(out, [](const ir::Node* node) { return !node->is("If"); });
    return out;
  };
  // What one If no longer uses may be what kept an output of another.
  for (size_t before = 0, now = count_outputs(graph); before != now;) {
    for (ir::Node* node : branches()) TRY(pass_by(*node, ops));
    for (ir::Node* node : branches()) keep_used(*node);
    graph.remove_dead();
    before = std::exchange(now, count_outputs(graph));
  }
  return {};
}

}  // namespace tenon::tensorrt
