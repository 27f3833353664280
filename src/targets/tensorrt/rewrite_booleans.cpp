#include <algorithm>
#include <array>

#include "base/error.h"
#include "targets/tensorrt/operators.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {
namespace {

// Operators whose one output holds elements of these inputs, and nothing else.
struct Mover {
  std::string_view op;
  std::array<bool, 3> from;  // of the first inputs
};
constexpr std::array kMovers = {
    Mover{"Concat", {true, true, true}},           Mover{"Expand", {true, false, false}},
    Mover{"Gather", {true, false, false}},         Mover{"GatherElements", {true, false, false}},
    Mover{"GatherND", {true, false, false}},       Mover{"Reshape", {true, false, false}},
    Mover{"ScatterElements", {true, false, true}}, Mover{"ScatterND", {true, false, true}},
    Mover{"Slice", {true, false, false}},          Mover{"Squeeze", {true, false, false}},
    Mover{"Tile", {true, false, false}},           Mover{"Transpose", {true, false, false}},
    Mover{"Unsqueeze", {true, false, false}},      Mover{"Where", {false, true, true}},
};

// Whether the release moves integers in this way and no booleans.
const Mover* moves_integers_alone(const ir::Node& node, const Release& release) {
  if (!node.domain.empty() || node.outputs().size() != 1 ||
      node.output()->dtype() != DType::boolean ||
      node.attributes.get<std::string>("reduction", "none") != "none")
    return nullptr;
  const auto found = std::ranges::find(kMovers, node.op, &Mover::op);
  const OperatorRow* row = find_operator(node.op, release);
  if (found == kMovers.end() || row == nullptr) return nullptr;
  return (row->types & kI32) != 0 && (row->types & kBool) == 0 ? &*found : nullptr;
}

Status compose_xor(ir::Node& node, const ir::OpSet& ops) {
  ir::Builder b = before(node, ops);
  ir::Value *one = node.input(0), *other = node.input(1);
  ir::Value* both = b.emit_named("And", {one, other});
  ir::Value* out =
      b.emit_named("And", {b.emit_named("Or", {one, other}), b.emit_named("Not", {both})});
  TRY(b.status());
  stand_for(node.output(), out);
  node.graph->erase(&node);
  return {};
}

}  // namespace

Status say_booleans(ir::Graph& graph, const Release& release, const ir::OpSet& ops) {
  const bool has_xor = find_operator("Xor", release) != nullptr;
  for (ir::Node* node : all_nodes(graph)) {
    if (node->is("Xor") && !has_xor) {
      TRY(compose_xor(*node, ops));
      continue;
    }
    const Mover* mover = moves_integers_alone(*node, release);
    if (mover == nullptr) continue;
    ir::Builder b = before(*node, ops);
    std::vector<ir::Value*> inputs(node->inputs().begin(), node->inputs().end());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] && mover->from.at(std::min(i, mover->from.size() - 1)))
        inputs[i] = b.cast(inputs[i], DType::i32);
    }
    ir::Node* made = b.emit_node("", node->op, node->attributes, std::move(inputs), 1);
    made->name = std::exchange(node->name, {});
    ir::Value* out = b.cast(made->output(), DType::boolean);
    TRY(b.status());
    stand_for(node->output(), out);
    node->graph->erase(node);
  }
  return {};
}

}  // namespace tenon::tensorrt
