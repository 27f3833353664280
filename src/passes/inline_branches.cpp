// Puts the branch in the place of an If whose condition is known.
#include "passes/rewrite.h"

namespace tenon::passes {
Result<bool> inline_branches(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->is("If") || is_dead(*node)) continue;
    std::optional<bool> yes;
    if (const auto known = ints(node->input(0)); known && known->size() == 1)
      yes = (*known)[0] != 0;
    if (!yes) continue;
    ir::Graph* branch = node->subgraph(*yes ? "then_branch" : "else_branch");
    ValueMap map = copy_out(*branch, *node);
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
