#include "targets/tensorrt/rewrites.h"

#include "base/error.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {

std::vector<ir::Node*> all_nodes(const ir::Graph& graph) {
  std::vector<ir::Node*> out;
  ir::for_each_node(graph, [&](ir::Node& node) { out.push_back(&node); });
  return out;
}

ir::Builder before(ir::Node& node, const ir::OpSet& ops) {
  ir::Builder out(*node.graph, ops);
  out.set_origin(node.origin);
  out.insert_before(&node);
  return out;
}

Status rewrite(ir::Graph& graph, const ir::OpSet& ops) {
  TRY(prune_branches(graph, ops));
  TRY(collect_lists(graph, ops));
  drop_conditions(graph);
  TRY(narrow_doubles(graph, ops));
  return make_rows(graph, ops);
}

}  // namespace tenon::tensorrt
