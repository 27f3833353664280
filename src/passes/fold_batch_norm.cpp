// Moves batch normalisation, and factors and sums by channel, into the weights before them; what
// finds no weights becomes a factor and a term.
#include <array>
#include <cmath>

#include "ops/batch_norm/batch_norm.h"
#include "ops/conv/conv.h"
#include "ops/conv_transpose/conv_transpose.h"
#include "ops/gemm/gemm.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

// y = x * factor + term for each channel.
struct Affine {
  std::vector<double> factor, term;
};

std::optional<std::vector<double>> doubles(const ir::Value* value) {
  if (value == nullptr || !value->constant || !value->constant->has_data() ||
      value->dtype() != DType::f32)
    return std::nullopt;
  const auto values = value->constant->values<float>();
  return std::vector<double>(values.begin(), values.end());
}

std::optional<Affine> affine_of_norm(const ir::Node& node) {
  const auto op = node.as<ops::BatchNormalization>();
  if (op.training_mode) return std::nullopt;
  const auto scale = doubles(node.input(1)), bias = doubles(node.input(2)),
             mean = doubles(node.input(3)), variance = doubles(node.input(4));
  if (!scale || !bias || !mean || !variance || bias->size() != scale->size() ||
      mean->size() != scale->size() || variance->size() != scale->size())
    return std::nullopt;
  Affine out;
  for (size_t i = 0; i < scale->size(); ++i) {
    const double factor = (*scale)[i] / std::sqrt((*variance)[i] + op.epsilon);
    out.factor.push_back(factor);
    out.term.push_back((*bias)[i] - (*mean)[i] * factor);
  }
  return out;
}

// A constant with one element for each channel of a value of this rank, channels at axis 1.
std::optional<std::vector<double>> by_channel(const ir::Value* value, size_t rank,
                                              size_t channels) {
  const auto values = doubles(value);
  if (!values) return std::nullopt;
  const Dims& shape = value->constant->shape();
  if (values->size() == 1 && shape.size() <= rank)
    return std::vector<double>(channels, values->front());
  if (values->size() != channels || shape.size() > rank || shape.size() + 1 < rank)
    return std::nullopt;
  const size_t axis = 1 - (rank - shape.size());
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != (i == axis ? static_cast<int64_t>(channels) : 1)) return std::nullopt;
  }
  return values;
}

std::optional<Affine> affine_of(const ir::Node& node, const ir::Value* x, size_t channels) {
  if (node.is("BatchNormalization") && node.input(0) == x) return affine_of_norm(node);
  const auto rank = x->rank();
  if (!rank) return std::nullopt;
  const bool commutes = node.is("Mul") || node.is("Add");
  if (!commutes && !((node.is("Div") || node.is("Sub")) && node.input(0) == x)) return std::nullopt;
  const auto values = by_channel(other_operand(node, x), *rank, channels);
  if (!values) return std::nullopt;
  Affine out{std::vector<double>(channels, 1), std::vector<double>(channels, 0)};
  for (size_t i = 0; i < channels; ++i) {
    const double v = (*values)[i];
    if (node.op == "Mul") out.factor[i] = v;
    if (node.op == "Div") out.factor[i] = 1 / v;
    if (node.op == "Add") out.term[i] = v;
    if (node.op == "Sub") out.term[i] = -v;
  }
  return out;
}

// Where a producer's weights have their output channels.
struct Layout {
  size_t channels = 0;
  std::function<size_t(size_t)> channel_of;  // of the weights' element i
};

std::optional<Layout> layout_of(const ir::Node& node) {
  const ir::Value* weights = node.inputs().size() > 1 ? node.input(1) : nullptr;
  if (!weights || !weights->constant || !weights->constant->has_data() ||
      weights->dtype() != DType::f32)
    return std::nullopt;
  const Dims& shape = weights->constant->shape();
  auto block = [&](size_t from) {
    return static_cast<size_t>(element_count(std::span(shape).subspan(from)));
  };
  if (node.is("Conv") && shape.size() > 2) {
    const size_t inner = block(1);
    return Layout{static_cast<size_t>(shape[0]), [=](size_t i) { return i / inner; }};
  }
  if (node.is("ConvTranspose") && shape.size() > 2) {
    const auto groups = static_cast<size_t>(node.as<ops::ConvTranspose>().group);
    const size_t inner = block(2), filters = static_cast<size_t>(shape[1]);
    const size_t per_group = static_cast<size_t>(shape[0]) / std::max<size_t>(groups, 1);
    return Layout{filters * groups, [=](size_t i) {
                    return i / (inner * filters) / per_group * filters + i / inner % filters;
                  }};
  }
  if (node.is("Gemm") && shape.size() == 2) {
    const auto op = node.as<ops::Gemm>();
    if (op.alpha != 1 || op.beta != 1) return std::nullopt;
    const auto columns = static_cast<size_t>(shape[1]);
    if (op.trans_b)
      return Layout{static_cast<size_t>(shape[0]), [=](size_t i) { return i / columns; }};
    return Layout{columns, [=](size_t i) { return i % columns; }};
  }
  return std::nullopt;
}

ir::Value* float_constant(ir::Graph& graph, Dims shape, const std::vector<double>& values,
                          const std::string& name) {
  Tensor out = Tensor::zeros(DType::f32, std::move(shape));
  auto to = out.mutable_values<float>();
  for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(values[i]);
  return graph.root().add_constant(std::move(out), name);
}

Result<bool> fold(ir::Node& node, const PassContext& context) {
  // The operand that a Conv or Gemm makes, for this node alone.
  for (size_t i = 0; i < std::min<size_t>(node.inputs().size(), 2); ++i) {
    ir::Value* x = node.input(i);
    ir::Node* producer = x ? x->producer : nullptr;
    if (!producer || !producer->domain.empty() || !used_once(x) || x->graph != node.graph) continue;
    const auto layout = layout_of(*producer);
    if (!layout || (node.is("BatchNormalization") && node.outputs().size() > 1)) continue;
    const auto affine = affine_of(node, x, layout->channels);
    if (!affine || affine->factor.size() != layout->channels || node.output(0)->type != x->type)
      continue;
    std::vector<double> bias(layout->channels, 0);
    if (producer->input(2)) {
      const auto given = doubles(producer->input(2));
      if (!given || (given->size() != bias.size() && given->size() != 1) ||
          (producer->is("Gemm") && producer->input(2)->rank().value_or(2) > 1))
        continue;
      for (size_t c = 0; c < bias.size(); ++c) bias[c] = (*given)[given->size() == 1 ? 0 : c];
    }
    std::vector<double> weights = *doubles(producer->input(1));
    for (size_t e = 0; e < weights.size(); ++e) weights[e] *= affine->factor[layout->channel_of(e)];
    for (size_t c = 0; c < bias.size(); ++c)
      bias[c] = bias[c] * affine->factor[c] + affine->term[c];
    ir::Graph& graph = *node.graph;
    ir::Value* w = float_constant(graph, producer->input(1)->constant->shape(), weights,
                                  producer->input(1)->name);
    ir::Value* bias_value =
        float_constant(graph, {static_cast<int64_t>(bias.size())}, bias,
                       producer->input(2) ? producer->input(2)->name : std::string());
    ir::Builder b = builder_before(node, context);
    ir::Node* made =
        b.emit_node("", producer->op, producer->attributes, {producer->input(0), w, bias_value}, 1);
    made->name = producer->name;
    if (producer->origin) made->origin = producer->origin;
    return replace_node(node, b, std::array{made->output(0)});
  }
  return false;
}

// A normalisation that no weights before it can take in, as a factor and a term by channel: the
// engine computes those together with what is around them.
Result<bool> spell_out(ir::Node& node, const PassContext& context) {
  const auto rank = node.input(0)->rank();
  const auto affine = affine_of_norm(node);
  if (!affine || !rank || *rank < 2 || node.outputs().size() > 1) return false;
  Dims shape(*rank - 1, 1);
  shape[0] = static_cast<int64_t>(affine->factor.size());
  ir::Builder b = builder_before(node, context);
  ir::Value* factor = float_constant(*node.graph, shape, affine->factor, node.input(1)->name);
  ir::Value* term = float_constant(*node.graph, shape, affine->term, node.input(2)->name);
  ir::Value* y = b.emit_named("Add", {b.emit_named("Mul", {node.input(0), factor}), term});
  if (y->type != node.output(0)->type) return false;
  return replace_node(node, b, std::array{y});
}

}  // namespace

Result<bool> fold_batch_norm(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node)) continue;
    if (TRY(fold(*node, context)) ||
        (node->is("BatchNormalization") && TRY(spell_out(*node, context))))
      changed = true;
  }
  return changed;
}

}  // namespace tenon::passes
