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
#include "ops/resize/resize.h"
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
  if (ceil_mode) {
    ops::Window floored = *window;
    floored.ceil_mode = false;
    bool same = true;
    for (size_t i = 0; i < rank; ++i)
      same = same && floored.output((*shape)[i + 2], i) == window->output((*shape)[i + 2], i);
    if (same) changed |= set_attribute(node, "ceil_mode", int64_t{0});
  }
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
    if (close(*op.scale, usual, scale_tolerance(node.input(0)->dtype()))) {
      node.attributes.erase("scale");
      return true;
    }
  }
  const auto root = static_cast<float>(std::sqrt(static_cast<double>(*op.scale)));
  return set_attribute(node, "scale", static_cast<float>(static_cast<double>(root) * root));
}

// A float to the power of an integer, which older opsets lack, is one to the power of a float.
bool normalise_power(ir::Node& node, const PassContext& context) {
  if (node.op != "Pow" || !is_floating(node.input(0)->dtype()) ||
      node.input(1)->dtype() == node.input(0)->dtype())
    return false;
  ir::Builder b = builder_before(node, context);
  ir::Value* exponent = b.cast(node.input(1), node.input(0)->dtype());
  if (!b.status()) return false;
  node.graph->set_input(&node, 1, exponent);
  return true;
}

// Trilu's diagonal is not given where it is the main one.
bool normalise_diagonal(ir::Node& node) {
  if (node.op != "Trilu" || !node.input(1) || scalar(node.input(1)) != 0.0) return false;
  node.graph->truncate_inputs(&node, 1);
  return true;
}

// Scales and known sizes are given for all axes, but where a size that stays is dynamic: then only
// for those that change.
bool normalise_resize(ir::Node& node, const PassContext& context) {
  if (node.op != "Resize") return false;
  const auto op = node.as<ops::Resize>();
  const auto& shape = node.input(0)->shape();
  if (!shape || node.input(1) || op.keep_aspect_ratio_policy != "stretch") return false;
  std::vector<size_t> axes;
  for (size_t i = 0; i < shape->size(); ++i) axes.push_back(i);
  if (op.axes) {
    axes.clear();
    for (int64_t axis : *op.axes) {
      const auto at = ir::normalize_axis(axis, shape->size());
      if (!at) return false;
      axes.push_back(*at);
    }
  }
  ir::Builder b = builder_before(node, context);
  const ir::Value* scales = node.input(2);
  if (scales && scales->is_constant() && scales->constant->count() > 0) {
    if (!op.axes || scales->dtype() != DType::f32) return false;
    std::vector<float> all(shape->size(), 1);
    for (size_t i = 0; i < axes.size(); ++i) all[axes[i]] = scales->constant->values<float>()[i];
    node.graph->set_input(
        &node, 2,
        b.constant(Tensor::of<float>(DType::f32, {static_cast<int64_t>(all.size())}, all)));
    node.attributes.erase("axes");
    return true;
  }
  const ir::Value* sizes = node.input(3);
  if (sizes == nullptr || !sizes->contents || sizes->contents->size() != axes.size()) return false;
  ir::Shape target = *shape;
  for (size_t i = 0; i < axes.size(); ++i) target[axes[i]] = (*sizes->contents)[i];
  std::vector<int64_t> changing;
  ir::Shape changed;
  bool fixed = true;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == (*shape)[i]) {
      fixed = fixed && target[i].is_constant();
      continue;
    }
    changing.push_back(static_cast<int64_t>(i));
    changed.push_back(target[i]);
  }
  if (fixed ? !op.axes : op.axes == changing) return false;
  if (fixed)
    node.attributes.erase("axes");
  else
    node.attributes.set("axes", changing);
  node.graph->set_input(&node, 3, b.shape(fixed ? target : changed));
  return true;
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

Result<bool> normalise_attributes(ir::Graph& graph, const PassContext& context) {
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
    changed |= normalise_power(*node, context);
    changed |= normalise_diagonal(*node);
    changed |= normalise_resize(*node, context);
  }
  return changed;
}

}  // namespace tenon::passes
