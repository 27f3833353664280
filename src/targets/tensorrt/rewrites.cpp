#include "targets/tensorrt/rewrites.h"

#include "base/error.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {

std::vector<ir::Node*> all_nodes(const ir::Graph& graph) {
  std::vector<ir::Node*> out;
  ir::for_each_node(graph, [&](ir::Node& node) { out.push_back(&node); });
  return out;
}

void stand_for(ir::Value* old, ir::Value* now) {
  now->name = old->name;
  now->type = old->type;
  now->contents = old->contents;
  old->graph->replace_uses(old, now);
  for (ir::Symbol& symbol : old->graph->root().symbols) {
    if (symbol.source == old) symbol.source = now;
  }
}

ir::Builder before(ir::Node& node, const ir::OpSet& ops) {
  ir::Builder out(*node.graph, ops);
  out.set_origin(node.origin);
  out.insert_before(&node);
  return out;
}

Status rewrite(ir::Graph& graph, const Release& release, const ir::OpSet& ops) {
  TRY(prune_branches(graph, ops));
  TRY(collect_lists(graph, ops));
  drop_conditions(graph);
  TRY(narrow_doubles(graph, ops));
  TRY(make_rows(graph, ops));
  TRY(say_booleans(graph, release, ops));
  graph.remove_dead();
  return {};
}

}  // namespace tenon::tensorrt
