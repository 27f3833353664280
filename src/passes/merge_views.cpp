// Chains of Reshape, Flatten, Squeeze, Unsqueeze and Transpose become as short as they can be; a
// Transpose there and back around a softmax becomes its axis.
#include <array>

#include "ops/gather/gather.h"
#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"
#include "ops/transpose/transpose.h"
#include "passes/rewrite.h"
#include "passes/view_chain.h"

namespace tenon::passes {
namespace {

// The reshape's target as constants, or as the sizes are computed.
ir::Value* target_value(ir::Builder& b, const ir::Shape& in, const ir::Shape& out) {
  const auto target = reshape_target(&in, out);
  return target ? b.ints(*target) : nullptr;
}

// Null where the sizes cannot be said.
ir::Value* rearranged(ir::Builder& b, ir::Value* value, const Rearrangement& r) {
  for (const auto* shape : {&r.split, &r.joined}) {
    if (shape == &r.joined && r.perm) value = b.emit(ops::Transpose{.perm = r.perm}, {value});
    if (!*shape) continue;
    ir::Value* target = target_value(b, *value->shape(), **shape);
    if (target == nullptr) return nullptr;
    value = b.emit(ops::Reshape{}, {value, target});
  }
  return value;
}

bool finish(ir::Node& node, ir::Builder& b, ir::Value* value) {
  if (value == nullptr || !b.status() || value->type != node.output(0)->type) return false;
  return replace_node(node, b, std::array{value});
}

// More axes than this are more than TensorRT takes; chains that would need them stay in two parts.
constexpr size_t kMostAxes = 8;
bool fits(const Rearrangement& r) { return !r.perm || r.perm->size() <= kMostAxes; }

// The longest chain that ends here and is done in fewer steps.
Result<bool> merge_chain(ir::Node& node, const PassContext& context) {
  if (!is_view(&node) || !node.output(0)->shape()) return false;
  std::vector<const ir::Node*> views;
  std::optional<Rearrangement> best;
  ir::Value* source = nullptr;
  for (const ir::Node* n = &node; is_view(n) && n->input(0)->shape() && views.size() < 8;
       n = n->input(0)->producer) {
    views.insert(views.begin(), n);
    auto found = compose(*n->input(0)->shape(), views);
    if (!found) break;
    if (found->steps() < views.size() && fits(*found)) {
      best = std::move(found);
      source = n->input(0);
    }
  }
  if (!best) return false;
  if (best->steps() == 0) return replace(node.output(0), source);
  ir::Builder b = builder_before(node, context);
  return finish(node, b, rearranged(b, source, *best));
}

// One element of an axis of rearranged data is a slice of the data, rearranged: so the three parts
// of what attention projects at once need not be moved together first.
Result<bool> select_before_views(ir::Node& node, const PassContext& context) {
  if (!node.is("Gather") || node.input(1)->rank() != 0) return false;
  const auto index = ints(node.input(1));
  const auto rank = node.input(0)->rank();
  if (!index || !rank) return false;
  const auto axis = ir::normalize_axis(node.as<ops::Gather>().axis, *rank);
  if (!axis) return false;
  std::vector<const ir::Node*> views;
  std::optional<Selection> best;
  ir::Value* source = nullptr;
  for (const ir::Node* n = node.input(0)->producer;
       is_view(n) && n->input(0)->shape() && views.size() < 8; n = n->input(0)->producer) {
    views.insert(views.begin(), n);
    auto found = select(*n->input(0)->shape(), views, *axis, (*index)[0]);
    if (!found || found->rearrangement.steps() > views.size() || !fits(found->rearrangement))
      continue;
    best = std::move(found);
    source = n->input(0);
  }
  if (!best) return false;
  ir::Builder b = builder_before(node, context);
  ir::Value* part =
      b.emit_named("Slice", {source, b.ints({best->start}), b.ints({best->start + best->length}),
                             b.ints({static_cast<int64_t>(best->axis)})});
  return finish(node, b, rearranged(b, part, best->rearrangement));
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
        TRY(unwrap_softmax<ops::LogSoftmax>(*node, context)) || TRY(merge_chain(*node, context)) ||
        TRY(select_before_views(*node, context))) {
      changed = true;
    }
  }
  return changed;
}

}  // namespace tenon::passes
