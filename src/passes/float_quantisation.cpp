// Engines that compute quantised models in f32 need no integers in between: what QuantizeLinear and
// then DequantizeLinear do to a number, rounding it to a multiple of the scale within a range, are
// a few operations on floats, which join those around them. Views in between see the floats.
#include <map>

#include "ops/clip/clip.h"
#include "ops/quantize/quantize.h"
#include "passes/rewrite.h"
#include "passes/view_chain.h"

namespace tenon::passes {
namespace {

// One scale and zero point, which are constant.
struct Scale {
  float scale = 0;
  double point = 0;
};
std::optional<Scale> scale_of(const ir::Node& node) {
  if (node.attributes.get<int64_t>("block_size", 0) != 0) return std::nullopt;
  const auto scale = scalar(node.input(1));
  const auto point = node.input(2) ? scalar(node.input(2)) : std::optional<double>(0);
  if (!scale || !point || *scale == 0) return std::nullopt;
  return Scale{static_cast<float>(*scale), *point};
}

class Rewriter {
 public:
  explicit Rewriter(const PassContext& context) : context_(context) {}

  // integers - zero point as floats, of a value that QuantizeLinear and views make; null where it
  // is made otherwise.
  ir::Value* steps(ir::Value* integers) {
    if (auto found = made_.find(integers); found != made_.end()) return found->second;
    ir::Node* node = integers->producer;
    if (node == nullptr) return nullptr;
    ir::Value* out = nullptr;
    ir::Builder b = builder(*node);
    if (node->is("QuantizeLinear")) {
      out = rounded(b, *node);
    } else if (is_view(node)) {
      ir::Value* from = steps(node->input(0));
      if (from == nullptr) return nullptr;
      std::vector<ir::Value*> inputs(node->inputs().begin(), node->inputs().end());
      inputs[0] = from;
      out = b.emit_node(node->domain, node->op, node->attributes, std::move(inputs), 1)->output(0);
    }
    if (out) made_[integers] = out;
    return out;
  }

  // The scale and zero point of the QuantizeLinear behind views.
  static std::optional<Scale> origin(const ir::Value* integers) {
    const ir::Node* node = integers->producer;
    while (is_view(node)) node = node->input(0)->producer;
    if (node == nullptr || !node->is("QuantizeLinear") || node->input(0)->dtype() != DType::f32)
      return std::nullopt;
    const DType type = node->output(0)->dtype();
    if (!is_integral(type) || bits(type) > 16) return std::nullopt;
    return scale_of(*node);
  }

  Result<bool> rewrite(ir::Node& node) {
    if (!node.is("DequantizeLinear") || is_dead(node) || node.output(0)->dtype() != DType::f32)
      return false;
    const auto scale = scale_of(node), from = origin(node.input(0));
    if (!scale || !from || scale->point != from->point) return false;
    ir::Value* x = steps(node.input(0));
    if (x == nullptr) return false;
    ir::Builder b = builder(node);
    ir::Value* real = b.emit_named("Mul", {x, b.scalar(scale->scale, DType::f32)});
    TRY(b.status());
    return replace(node.output(0), real);
  }

 private:
  ir::Builder builder(ir::Node& node) const {
    ir::Builder b(*node.graph, context_.ops);
    b.set_origin(node.origin);
    b.insert_before(&node);
    return b;
  }

  static ir::Value* rounded(ir::Builder& b, const ir::Node& node) {
    const Scale scale = *scale_of(node);
    const ops::IntegerLimits limits = ops::limits_of(node.output(0)->dtype());
    ir::Value* x = b.emit_named(
        "Div", {node.input(0), b.scalar(static_cast<double>(scale.scale), DType::f32)});
    return b.emit(ops::Clip{},
                  {b.emit_named("Round", {x}), b.scalar(limits.low - scale.point, DType::f32),
                   b.scalar(limits.high - scale.point, DType::f32)});
  }

  const PassContext& context_;
  std::map<const ir::Value*, ir::Value*> made_;
};

}  // namespace

Result<bool> float_quantisation(ir::Graph& graph, const PassContext& context) {
  Rewriter rewriter(context);
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) changed |= TRY(rewriter.rewrite(*node));
  return changed;
}

}  // namespace tenon::passes
