// Which values lie in channel blocks. Convolutions make and want blocks; what can follow them does;
// reorders are put where the two worlds meet.
#include <map>

#include "ops/concat/concat.h"
#include "ops/resize/resize.h"
#include "targets/cpu/lower.h"
#include "targets/cpu/lowered.h"

namespace tenon::cpu {
namespace {

// First convolutions read few channels: oneDNN takes those row-major.
constexpr int64_t kFewChannels = 4;

struct Assigner {
  ir::Graph& graph;
  int block;
  Layouts layouts = {};
  std::map<std::pair<const ir::Value*, int>, ir::Value*> reordered = {};

  int block_of(const ir::Value* value) const {
    auto it = layouts.find(value);
    return it == layouts.end() ? 0 : it->second;
  }

  static std::optional<int64_t> channels(const ir::Value* value) {
    if (!value->type.is_tensor() || value->dtype() != DType::f32 || !value->shape() ||
        value->shape()->size() < 3 || value->shape()->size() > 5) {
      return std::nullopt;
    }
    return (*value->shape())[1].constant();
  }

  void set(const ir::Value* value, int b) {
    if (b > 0) layouts[value] = b;
  }

  // Input i of the node in layout b.
  void require(ir::Node* node, size_t i, int b) {
    ir::Value* value = node->input(i);
    if (value == nullptr || block_of(value) == b || value->is_constant()) return;
    auto key = std::pair(static_cast<const ir::Value*>(value), b);
    auto it = reordered.find(key);
    if (it == reordered.end()) {
      ir::Node* reorder =
          graph.add_node(std::string(kDomain), "Reorder", {}, {value}, 1, node->origin, node);
      reorder->output()->type = value->type;
      set(reorder->output(), b);
      it = reordered.emplace(key, reorder->output()).first;
    }
    graph.set_input(node, i, it->second);
  }

  void plain(ir::Node* node) {
    for (size_t i = 0; i < node->inputs().size(); ++i) require(node, i, 0);
  }

  void convolution(ir::Node* node) {
    const ir::Value *x = node->input(0), *y = node->output(), *w = node->input(1);
    const auto in = channels(x), out = channels(y);
    const int64_t group = node->attributes.get<int64_t>("group", 1);
    const bool depthwise = in && out && group == *in && group == *out && group > 1;
    const bool fits =
        in && out && w->is_constant() &&
        (group == 1 || depthwise || (*in % (group * block) == 0 && *out % (group * block) == 0));
    if (!fits) return plain(node);
    require(node, 0, group == 1 && *in <= kFewChannels ? 0 : block);
    require(node, 3, block);
    set(y, block);
  }

  void transposed_convolution(ir::Node* node) {
    const ir::Value* w = node->input(1);
    if (!channels(node->input(0)) || !channels(node->output()) || !w->is_constant() ||
        node->attributes.get<int64_t>("group", 1) != 1)
      return plain(node);
    require(node, 0, block);
    set(node->output(), block);
  }

  void follow(ir::Node* node) {
    const int b = block_of(node->input(0));
    for (size_t i = 1; i < node->inputs().size(); ++i) require(node, i, 0);
    if (node->outputs().size() != 1 || !channels(node->output())) return require(node, 0, 0);
    set(node->output(), b);
  }

  void pointwise(ir::Node* node) {
    const ir::Value* out = node->output();
    const auto c = channels(out);
    int full_blocked = 0, full_plain = 0;
    bool possible = c.has_value();
    for (const ir::Value* in : node->inputs()) {
      if (!possible) break;
      const size_t rank = out->shape()->size();
      if (block_of(in) > 0) {
        const bool same = in->shape()->size() == rank && (*in->shape())[1] == (*out->shape())[1];
        possible = same;
        full_blocked += same && in->type == out->type;
        continue;
      }
      if (!in->shape()) {
        possible = false;
        continue;
      }
      if (in->type == out->type) ++full_plain;
      possible = fits_blocked(*in, rank, *c);
    }
    if (!possible || full_blocked == 0 || full_plain > full_blocked) return plain(node);
    for (size_t i = 0; i < node->inputs().size(); ++i) {
      const ir::Value* in = node->input(i);
      if (block_of(in) == block) continue;
      const size_t rank = out->shape()->size(), missing = rank - in->shape()->size();
      const bool per_channel = missing <= 1 && !(*in->shape())[1 - missing].is(1);
      const bool in_blocks = per_channel && *c % block == 0 && spatially_constant(*in, missing);
      if (per_channel && !in_blocks) require(node, i, block);
    }
    set(out, block);
  }

  // All axes after the channels are 1.
  static bool spatially_constant(const ir::Value& in, size_t missing) {
    for (size_t i = 2 - missing; i < in.shape()->size(); ++i) {
      if (!(*in.shape())[i].is(1)) return false;
    }
    return true;
  }

  // A row-major input of a blocked result: no channels of its own, or channels that are whole
  // blocks side by side, or a tensor that can be reordered.
  bool fits_blocked(const ir::Value& in, size_t rank, int64_t c) const {
    const size_t size = in.shape()->size();
    if (size > rank) return false;
    const size_t missing = rank - size;
    if (missing > 1) return true;  // spatial axes only
    const ir::Dim& own = (*in.shape())[1 - missing];
    if (own.is(1)) return true;
    if (!own.is(c)) return false;
    if (spatially_constant(in, missing) && c % block == 0) return true;
    return !in.is_constant() && missing == 0;
  }

  void concat(ir::Node* node) {
    const auto op = node->as<ops::Concat>();
    bool fits = op.axis == 1 && channels(node->output()).has_value();
    for (size_t i = 0; fits && i < node->inputs().size(); ++i) {
      const auto c = channels(node->input(i));
      fits = c && block_of(node->input(i)) == block &&
             (*c % block == 0 || i + 1 == node->inputs().size());
    }
    if (!fits) return plain(node);
    set(node->output(), block);
  }

  void resize(ir::Node* node) {
    const ir::Value *x = node->input(0), *y = node->output();
    const auto in = channels(x), out = channels(y);
    const bool keeps = in && out && *in == *out && block_of(x) > 0 &&
                       (*x->shape())[0] == (*y->shape())[0] && x->shape()->size() == 4 &&
                       node->as<ops::Resize>().mode != "cubic";
    if (!keeps) return plain(node);
    set(y, block_of(x));
  }

  // Subgraphs know nothing of layouts: what they use from here is row-major.
  void give_plain_to_subgraphs(ir::Node* node, ir::Value* value) {
    if (block_of(value) == 0) return;
    std::vector<ir::Use> uses;
    for (const ir::Use& use : value->uses) {
      if (use.node->graph != &graph) uses.push_back(use);
    }
    if (uses.empty()) return;
    auto next = std::ranges::find_if(graph.nodes(), [&](const auto& n) { return n.get() == node; });
    ++next;
    ir::Node* reorder =
        graph.add_node(std::string(kDomain), "Reorder", {}, {value}, 1, node->origin,
                       next == graph.nodes().end() ? nullptr : next->get());
    reorder->output()->type = value->type;
    for (const ir::Use& use : uses) graph.set_input(use.node, use.index, reorder->output());
  }

  void visit(ir::Node* node) {
    const bool ours = node->domain == kDomain;
    if (ours && node->op == "Conv") return convolution(node);
    if (ours && node->op == "Pointwise") return pointwise(node);
    if (node->is("MaxPool") || node->is("AveragePool") || node->is("GlobalAveragePool") ||
        node->is("GlobalMaxPool") || node->is("Identity")) {
      return follow(node);
    }
    if (node->is("ConvTranspose")) return transposed_convolution(node);
    if (node->is("Concat")) return concat(node);
    if (node->is("Resize")) return resize(node);
    plain(node);
  }
};

}  // namespace

Layouts assign_layouts(ir::Graph& graph, int block) {
  Assigner assigner{graph, block};
  std::vector<ir::Node*> order;
  for (const auto& node : graph.nodes()) order.push_back(node.get());
  for (ir::Node* node : order) assigner.visit(node);
  for (ir::Node* node : order) {
    for (ir::Value* out : std::vector(node->outputs().begin(), node->outputs().end()))
      assigner.give_plain_to_subgraphs(node, out);
  }
  std::vector<ir::Value*> outputs(graph.outputs().begin(), graph.outputs().end());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (assigner.block_of(outputs[i]) == 0) continue;
    ir::Node* reorder =
        graph.add_node(std::string(kDomain), "Reorder", {}, {outputs[i]}, 1,
                       outputs[i]->producer ? outputs[i]->producer->origin : ir::OriginRef());
    reorder->output()->type = outputs[i]->type;
    reorder->output()->name = outputs[i]->name + ".plain";
    graph.set_output(i, reorder->output());
  }
  return std::move(assigner.layouts);
}

}  // namespace tenon::cpu
