// Puts the branch in the place of an If whose condition is known.
#include <unordered_map>

#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ValueMap = std::unordered_map<const ir::Value*, ir::Value*>;

void copy_nodes(ir::Graph& from, ir::Graph& to, ir::Node* before, ValueMap& map);

void copy_subgraph(ir::Graph& from, ir::Graph& to, ValueMap& map) {
  to.name = from.name;
  for (ir::Value* input : from.inputs()) {
    ir::Value* made = to.add_input(input->name, input->type);
    made->contents = input->contents;
    map[input] = made;
  }
  copy_nodes(from, to, nullptr, map);
  for (ir::Value* output : from.outputs())
    to.add_output(map.contains(output) ? map[output] : output);
}

void copy_nodes(ir::Graph& from, ir::Graph& to, ir::Node* before, ValueMap& map) {
  auto lookup = [&](ir::Value* value) {
    if (value == nullptr) return value;
    auto it = map.find(value);
    if (it != map.end()) return it->second;
    // Constants of the branch move out with it.
    if (value->is_constant() && value->graph == &from)
      return map[value] = to.root().add_constant(*value->constant, value->name);
    return value;
  };
  for (const auto& node : from.nodes()) {
    std::vector<ir::Value*> inputs;
    for (ir::Value* input : node->inputs()) inputs.push_back(lookup(input));
    ir::Node* made = to.add_node(node->domain, node->op, node->attributes, inputs,
                                 node->outputs().size(), node->origin, before);
    made->name = node->name;
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      ir::Value *old = node->output(i), *now = made->output(i);
      now->name = old->name;
      now->type = old->type;
      now->contents = old->contents;
      map[old] = now;
    }
    for (const ir::Subgraph& sub : node->subgraphs)
      copy_subgraph(*sub.graph, *to.add_subgraph(made, sub.name), map);
  }
  for (ir::Value* output : from.outputs()) lookup(output);
  for (ir::Symbol& symbol : to.root().symbols) {
    if (auto it = map.find(symbol.source); it != map.end()) symbol.source = it->second;
  }
}

}  // namespace

Result<bool> inline_branches(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->is("If") || is_dead(*node)) continue;
    std::optional<bool> yes;
    if (const auto known = ints(node->input(0)); known && known->size() == 1)
      yes = (*known)[0] != 0;
    if (!yes) continue;
    ir::Graph* branch = node->subgraph(*yes ? "then_branch" : "else_branch");
    ValueMap map;
    copy_nodes(*branch, *node->graph, node, map);
    ir::Builder b = builder_before(*node, context);
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      ir::Value* value = branch->outputs()[i];
      if (map.contains(value)) value = map[value];
      if (node->output(i)->uses.empty()) continue;
      if (!replace(node->output(i), value))
        replace(node->output(i), b.emit_named("Identity", {value}));
    }
    TRY(b.status());
    changed = true;
    break;  // the snapshot may hold nodes of the branch that was copied
  }
  return changed;
}

}  // namespace tenon::passes
