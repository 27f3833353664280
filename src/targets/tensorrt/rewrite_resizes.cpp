#include "base/error.h"
#include "ops/common/resize_products.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {

Status multiply_resizes(ir::Graph& graph, const ir::OpSet& ops) {
  for (ir::Node* node : all_nodes(graph)) {
    if (!ops::is_resize_of_late(*node)) continue;
    ir::Builder b = before(*node, ops);
    ir::Value* made = ops::resized_by_products(b, *node);
    TRY(b.status());
    if (made == nullptr) continue;
    stand_for(node->output(), made);
    node->graph->erase(node);
  }
  return {};
}

}  // namespace tenon::tensorrt
