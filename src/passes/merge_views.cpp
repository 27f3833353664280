// Chains of Reshape, Flatten, Squeeze and Unsqueeze become one Reshape; chains of Transpose one
// Transpose; a Transpose there and back around a softmax becomes its axis.
#include <array>

#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"
#include "ops/transpose/transpose.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

bool is_view(const ir::Node* node) {
  return node && node->domain.empty() &&
         (node->op == "Reshape" || node->op == "Flatten" || node->op == "Squeeze" ||
          node->op == "Unsqueeze");
}

Result<bool> merge_reshapes(ir::Node& node, const PassContext& context) {
  ir::Node* inner = node.input(0) ? node.input(0)->producer : nullptr;
  if (!is_view(&node) || !is_view(inner)) return false;
  ir::Value* source = inner->input(0);
  const auto &in = source->shape(), &out = node.output(0)->shape();
  if (!in || !out) return false;
  if (*in == *out) return replace(node.output(0), source);
  const auto target = reshape_target(&*in, *out);
  if (!target) return false;
  ir::Builder b = builder_before(node, context);
  ir::Value* made = b.emit(ops::Reshape{}, {source, b.ints(*target)});
  return replace_node(node, b, std::array{made});
}

Result<bool> merge_transposes(ir::Node& node, const PassContext& context) {
  const ir::Node* inner = made_by(node.input(0), "Transpose");
  if (!node.is("Transpose") || inner == nullptr) return false;
  const auto outer_perm = node.as<ops::Transpose>().perm, perm = inner->as<ops::Transpose>().perm;
  if (!outer_perm || !perm) return false;
  std::vector<int64_t> both;
  for (int64_t axis : *outer_perm) both.push_back((*perm)[static_cast<size_t>(axis)]);
  ir::Builder b = builder_before(node, context);
  ir::Value* made = b.emit(ops::Transpose{.perm = both}, {inner->input(0)});
  return replace_node(node, b, std::array{made});
}

template <class Op>
Result<bool> unwrap_softmax(ir::Node& node, const PassContext& context) {
  ir::Node* softmax = made_by(node.input(0), Op::kName);
  if (!node.is("Transpose") || softmax == nullptr || !used_once(softmax->output(0))) return false;
  const ir::Node* first = made_by(softmax->input(0), "Transpose");
  if (first == nullptr) return false;
  const auto back = node.as<ops::Transpose>().perm, there = first->as<ops::Transpose>().perm;
  if (!back || !there || back->size() != there->size()) return false;
  for (size_t i = 0; i < back->size(); ++i) {
    if ((*there)[static_cast<size_t>((*back)[i])] != static_cast<int64_t>(i)) return false;
  }
  const auto axis = ir::normalize_axis(softmax->as<Op>().axis, there->size());
  if (!axis) return false;
  const int64_t original = (*there)[*axis] - static_cast<int64_t>(there->size());
  ir::Builder b = builder_before(node, context);
  ir::Value* made = b.emit(Op{.axis = original}, {first->input(0)});
  return replace_node(node, b, std::array{made});
}

}  // namespace

Result<bool> merge_views(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node)) continue;
    if (TRY(unwrap_softmax<ops::Softmax>(*node, context)) ||
        TRY(unwrap_softmax<ops::LogSoftmax>(*node, context)) ||
        TRY(merge_reshapes(*node, context)) || TRY(merge_transposes(*node, context))) {
      changed = true;
    }
  }
  return changed;
}

}  // namespace tenon::passes
