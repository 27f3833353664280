#include "passes/multiplied_resizes.h"

#include <array>

#include "ops/common/resize_products.h"
#include "passes/rewrite.h"

namespace tenon::passes {

Status multiply_resizes(ir::Graph& graph, const PassContext& context) {
  std::vector<ir::Node*> found;
  ir::for_each_node(graph, [&](ir::Node& node) {
    if (ops::is_resize_of_late(node)) found.push_back(&node);
  });
  for (ir::Node* node : found) {
    ir::Builder b = builder_before(*node, context);
    ir::Value* made = ops::resized_by_products(b, *node);
    TRY(b.status());
    if (made != nullptr) replace_node(*node, b, std::array{made});
  }
  graph.remove_dead();
  return {};
}

}  // namespace tenon::passes
