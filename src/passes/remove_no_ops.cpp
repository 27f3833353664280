// Removes nodes that give their input back.
#include <algorithm>

#include "ops/pool/pool.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/transpose/transpose.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

bool same_type(const ir::Node& node) {
  return node.input(0) && node.input(0)->type == node.output(0)->type && node.input(0)->shape();
}

bool all_are(const ir::Value* value, int64_t wanted) {
  const auto values = ints(value);
  return values && std::ranges::all_of(*values, [&](int64_t v) { return v == wanted; });
}

template <class Op>
bool is_trivial_pool(const ir::Node& node) {
  const auto op = node.as<Op>();
  auto only = [](const std::vector<int64_t>& values, int64_t wanted) {
    return std::ranges::all_of(values, [&](int64_t v) { return v == wanted; });
  };
  return same_type(node) && only(op.kernel_shape, 1) && only(op.strides, 1) && only(op.pads, 0);
}

bool is_identity_permutation(const ir::Node& node) {
  const auto perm = node.as<ops::Transpose>().perm;
  const auto rank = node.input(0)->rank();
  if (!perm) return rank && *rank < 2;
  for (size_t i = 0; i < perm->size(); ++i) {
    if ((*perm)[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

// Slices that keep every element in order: as many elements, one by one.
bool is_whole_slice(const ir::Node& node) {
  return same_type(node) && (!node.input(4) || all_are(node.input(4), 1));
}

bool is_identity_resize(const ir::Node& node) {
  const auto op = node.as<ops::Resize>();
  if (!same_type(node) || op.coordinate_transformation_mode == "tf_crop_and_resize") return false;
  if (node.input(2) && node.input(2)->is_constant() && node.input(2)->constant->count() > 0)
    return is_filled(node.input(2), 1);
  return node.input(3) != nullptr;
}

bool is_no_op(const ir::Node& node) {
  const std::string& op = node.op;
  if (node.inputs().empty() || node.input(0) == nullptr) return false;
  if (op == "Identity") return true;
  if (op == "Cast") return node.input(0)->dtype() == node.output(0)->dtype();
  if (op == "Reshape" || op == "Flatten" || op == "Expand" || op == "Squeeze" || op == "Unsqueeze")
    return same_type(node);
  if (op == "Transpose") return is_identity_permutation(node);
  if (op == "Slice") return is_whole_slice(node);
  if (op == "Pad") return all_are(node.input(1), 0);
  if (op == "Tile") return all_are(node.input(1), 1);
  if (op == "Concat" || op == "Sum" || op == "Mean" || op == "Min" || op == "Max")
    return node.inputs().size() == 1;
  if (op == "Split") return node.outputs().size() == 1;
  if (op == "Clip") return !node.input(1) && !node.input(2);
  if (op == "Resize") return is_identity_resize(node);
  if (op == "MaxPool") return node.outputs().size() == 1 && is_trivial_pool<ops::MaxPool>(node);
  if (op == "AveragePool") return is_trivial_pool<ops::AveragePool>(node);
  if (op == "DepthToSpace" || op == "SpaceToDepth")
    return node.attributes.get<int64_t>("blocksize", 0) == 1;
  return false;
}

}  // namespace

Result<bool> remove_no_ops(ir::Graph& graph, const PassContext&) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node) || !is_no_op(*node)) continue;
    changed |= replace(node->output(0), node->input(0));
  }
  return changed;
}

}  // namespace tenon::passes
