// Says the same thing in one way: axes count from the front (those of softmax and of norms from the
// back), automatic padding of known sizes becomes numbers, defaults that depend on shapes are
// written out.
#include <algorithm>
#include <cmath>

#include "ops/attention/attention.h"
#include "ops/clip/clip.h"
#include "ops/common/window.h"
#include "ops/conv/conv.h"
#include "ops/pool/pool.h"
#include "ops/split/split.h"
#include "ops/transpose/transpose.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

bool set_attribute(ir::Node& node, const std::string& name, ir::Attribute value) {
  const ir::Attribute* now = node.attributes.find(name);
  if (now && ir::equal(*now, value)) return false;
  node.attributes.set(name, std::move(value));
  return true;
}

constexpr std::string_view kFromBack[] = {"Softmax", "LogSoftmax", "LayerNormalization",
                                          "RMSNormalization"};
constexpr std::string_view kFromFront[] = {"Concat",         "Gather",          "Split",
                                           "ArgMax",         "ArgMin",          "TopK",
                                           "GatherElements", "ScatterElements", "Flatten"};

bool normalise_axis(ir::Node& node) {
  const auto rank = node.input(0) ? node.input(0)->rank() : std::nullopt;
  const ir::Attribute* found = node.attributes.find("axis");
  if (!rank || found == nullptr || !std::holds_alternative<int64_t>(*found)) return false;
  const int64_t axis = std::get<int64_t>(*found);
  const auto r = static_cast<int64_t>(*rank);
  if (std::ranges::find(kFromBack, node.op) != std::end(kFromBack) && axis >= 0)
    return set_attribute(node, "axis", axis - r);
  if (std::ranges::find(kFromFront, node.op) != std::end(kFromFront) && axis < 0)
    return set_attribute(node, "axis", axis + r);
  return false;
}

// The axes as an input: counted from the front; sorted where their order says nothing.
bool normalise_axes_input(ir::Node& node, size_t index, size_t rank, bool sort) {
  const auto axes = ints(node.input(index));
  if (!axes) return false;
  std::vector<int64_t> wanted = *axes;
  for (int64_t& axis : wanted) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
  }
  if (sort) std::ranges::sort(wanted);
  if (wanted == *axes && node.input(index)->is_constant() && node.input(index)->rank() == 1)
    return false;
  ir::Graph& graph = *node.graph;
  graph.set_input(&node, index, graph.root().add_constant(Tensor::vector_i64(wanted)));
  return true;
}

bool normalise_axes(ir::Node& node) {
  const auto rank = node.input(0) ? node.input(0)->rank() : std::nullopt;
  if (!rank) return false;
  if (node.op.starts_with("Reduce") || node.op == "Squeeze")
    return node.input(1) && normalise_axes_input(node, 1, *rank, true);
  if (node.op == "Unsqueeze") {
    const auto axes = ints(node.input(1));
    return axes && normalise_axes_input(node, 1, *rank + axes->size(), true);
  }
  if (node.op == "Slice" && node.input(3)) return normalise_axes_input(node, 3, *rank, false);
  return false;
}

template <class Op>
bool normalise_window(ir::Node& node, std::vector<int64_t> kernel) {
  auto op = node.as<Op>();
  const auto& shape = node.input(0)->shape();
  if (!shape || shape->size() < 3) return false;
  const size_t rank = shape->size() - 2;
  bool ceil_mode = false;
  if constexpr (requires { op.ceil_mode; }) ceil_mode = op.ceil_mode;
  auto window = ops::make_window(op.auto_pad, std::move(kernel), op.strides, op.dilations, op.pads,
                                 rank, ceil_mode);
  if (!window) return false;
  if (window->same()) {
    std::vector<int64_t> pads(2 * rank);
    for (size_t i = 0; i < rank; ++i) {
      const auto size = (*shape)[i + 2].constant();
      if (!size) return false;
      std::tie(pads[i], pads[i + rank]) = window->padding(*size, i);
    }
    window->pads = std::move(pads);
  }
  bool changed = set_attribute(node, "auto_pad", std::string("NOTSET"));
  changed |= set_attribute(node, "kernel_shape", window->kernel);
  changed |= set_attribute(node, "strides", window->strides);
  changed |= set_attribute(node, "dilations", window->dilations);
  changed |= set_attribute(node, "pads", window->pads);
  return changed;
}

bool normalise_windows(ir::Node& node) {
  if (node.op == "Conv") {
    std::vector<int64_t> kernel = node.as<ops::Conv>().kernel_shape;
    const auto& weights = node.input(1)->shape();
    if (kernel.empty() && weights) {
      for (size_t i = 2; i < weights->size(); ++i) {
        if (!(*weights)[i].is_constant()) return false;
        kernel.push_back(*(*weights)[i].constant());
      }
    }
    return normalise_window<ops::Conv>(node, std::move(kernel));
  }
  if (node.op == "MaxPool")
    return normalise_window<ops::MaxPool>(node, node.as<ops::MaxPool>().kernel_shape);
  if (node.op == "AveragePool")
    return normalise_window<ops::AveragePool>(node, node.as<ops::AveragePool>().kernel_shape);
  return false;
}

// Equal parts of a known size are given by their sizes.
bool normalise_split(ir::Node& node) {
  if (node.op != "Split") return false;
  const auto op = node.as<ops::Split>();
  const auto& shape = node.input(0)->shape();
  if (!shape) return false;
  const auto axis = ir::normalize_axis(op.axis, shape->size());
  if (!axis || !(*shape)[*axis].is_constant()) return false;
  if (!node.input(1)) {
    std::vector<int64_t> sizes;
    for (const ir::Value* output : node.outputs()) {
      if (!output->shape() || !(*output->shape())[*axis].is_constant()) return false;
      sizes.push_back(*(*output->shape())[*axis].constant());
    }
    ir::Graph& graph = *node.graph;
    ir::Value* constant = graph.root().add_constant(Tensor::vector_i64(sizes));
    graph.truncate_inputs(&node, 1);
    graph.add_node_input(&node, constant);
  }
  if (!op.num_outputs) return !node.input(1)->is_constant();
  node.attributes.erase("num_outputs");
  return true;
}

bool normalise_transpose(ir::Node& node) {
  const auto rank = node.op == "Transpose" ? node.input(0)->rank() : std::nullopt;
  if (!rank || node.as<ops::Transpose>().perm) return false;
  std::vector<int64_t> perm;
  for (size_t i = *rank; i-- > 0;) perm.push_back(static_cast<int64_t>(i));
  node.attributes.set("perm", std::move(perm));
  return true;
}

// The default scale is not given. Others are squares of a float: that is how they are applied, the
// root to the queries and to the keys.
bool normalise_attention(ir::Node& node) {
  if (node.op != "Attention") return false;
  const auto op = node.as<ops::Attention>();
  if (!op.scale || *op.scale <= 0) return false;
  const auto& q = node.input(0)->shape();
  if (q && q->size() == 4 && q->back().is_constant()) {
    const double usual = 1 / std::sqrt(static_cast<double>(*q->back().constant()));
    if (close(*op.scale, usual, 1e-6)) {
      node.attributes.erase("scale");
      return true;
    }
  }
  const auto root = static_cast<float>(std::sqrt(static_cast<double>(*op.scale)));
  return set_attribute(node, "scale", static_cast<float>(static_cast<double>(root) * root));
}

// Trailing absent inputs say nothing.
bool drop_absent_inputs(ir::Node& node) {
  size_t count = node.inputs().size();
  while (count > 0 && node.input(count - 1) == nullptr) --count;
  if (count == node.inputs().size() || node.is("Loop")) return false;
  node.graph->truncate_inputs(&node, count);
  return true;
}

}  // namespace

Result<bool> normalise_attributes(ir::Graph& graph, const PassContext&) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node)) continue;
    changed |= drop_absent_inputs(*node);
    changed |= normalise_axis(*node);
    changed |= normalise_axes(*node);
    changed |= normalise_windows(*node);
    changed |= normalise_split(*node);
    changed |= normalise_transpose(*node);
    changed |= normalise_attention(*node);
  }
  return changed;
}

}  // namespace tenon::passes
