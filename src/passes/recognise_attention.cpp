// Attention from its formula: Softmax(q * k^T * scale + mask) * v.
#include <array>
#include <cmath>
#include <limits>

#include "ops/attention/attention.h"
#include "ops/reduce/reduce.h"
#include "ops/softmax/softmax.h"
#include "ops/transpose/transpose.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

struct Parts {
  ir::Value *q = nullptr, *k = nullptr, *v = nullptr, *mask = nullptr;
  double scale = 1;
  float softcap = 0;
  bool causal = false;
  bool guarded = false;  // queries that see no key give 0
};

bool is_negative_infinity(const ir::Value* value) {
  const auto v = scalar(value);
  return v && *v == -std::numeric_limits<double>::infinity();
}

// weights, where value is Where(max(bias) == -infinity, 0, weights).
ir::Value* unguarded(ir::Value* value, ir::Value*& bias) {
  const ir::Node* where = made_by(value, "Where");
  const ir::Node* equal = where ? made_by(where->input(0), "Equal") : nullptr;
  const ir::Node* most = equal ? made_by(equal->input(0), "ReduceMax") : nullptr;
  if (!most || !is_negative_infinity(equal->input(1)) || scalar(where->input(1)) != 0.0)
    return nullptr;
  const auto axes = ints(most->input(1));
  const auto rank = most->input(0)->rank();
  if (!axes || axes->size() != 1 || !rank || !most->as<ops::ReduceMax>().keepdims) return nullptr;
  if ((*axes)[0] != -1 && (*axes)[0] != static_cast<int64_t>(*rank) - 1) return nullptr;
  bias = most->input(0);
  return where->input(2);
}

// The mask, where value is Where(mask, 0, -infinity) of a boolean.
ir::Value* boolean_mask(ir::Value* value) {
  const ir::Node* where = made_by(value, "Where");
  if (!where || scalar(where->input(1)) != 0.0 || !is_negative_infinity(where->input(2)))
    return nullptr;
  return where->input(0);
}

// Whether query i sees the keys up to i, and no others.
bool is_causal_mask(const ir::Value* mask, const ir::Dim& queries, const ir::Dim& keys) {
  if (mask->is_constant()) {
    const auto m = queries.constant(), n = keys.constant();
    if (!m || !n || mask->constant->shape() != Dims{*m, *n}) return false;
    const bool boolean = mask->dtype() == DType::boolean;
    const double lowest = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < *m * *n; ++i) {
      const bool sees = i % *n <= i / *n;
      const double value = element(*mask->constant, static_cast<size_t>(i));
      if (value != (boolean ? (sees ? 1 : 0) : (sees ? 0 : lowest))) return false;
    }
    return true;
  }
  const ir::Node* compare = made_by(mask, "GreaterOrEqual");
  const ir::Node* distance = compare ? made_by(compare->input(0), "Sub") : nullptr;
  return distance && scalar(compare->input(1)) == 0.0 && is_count(distance->input(0), queries, 1) &&
         is_count(distance->input(1), keys, 0);
}

// Whether every query is known to see some key.
bool no_blind_queries(const ir::Value* mask) {
  if (!mask->is_constant() || mask->rank().value_or(0) == 0) return false;
  const Tensor& tensor = *mask->constant;
  const auto columns = static_cast<size_t>(tensor.shape().back());
  const bool boolean = mask->dtype() == DType::boolean;
  if (columns == 0) return false;
  for (size_t row = 0; row < static_cast<size_t>(tensor.count()) / columns; ++row) {
    bool sees = false;
    for (size_t i = row * columns; i < (row + 1) * columns && !sees; ++i)
      sees = boolean ? element(tensor, i) != 0 : element(tensor, i) > -1e30;
    if (!sees) return false;
  }
  return true;
}

// k, where value is k with its last two axes swapped.
ir::Value* untransposed(ir::Value* value) {
  const ir::Node* transpose = made_by(value, "Transpose");
  if (transpose == nullptr) return nullptr;
  const auto perm = transpose->as<ops::Transpose>().perm;
  return perm == std::vector<int64_t>{0, 1, 3, 2} ? transpose->input(0) : nullptr;
}

// Takes constant factors off a value.
ir::Value* unscaled(ir::Value* value, double& scale) {
  for (int i = 0; i < 3; ++i) {
    if (const auto operand = scalar_operand(made_by(value, "Mul"))) {
      scale *= operand->scalar;
      value = operand->value;
      continue;
    }
    const ir::Node* div = made_by(value, "Div");
    const auto by = div ? scalar(div->input(1)) : std::nullopt;
    if (!by || *by == 0) break;
    scale /= *by;
    value = div->input(0);
  }
  return value;
}

// k, where value is k with every head repeated for several of the queries'.
ir::Value* unrepeated(ir::Value* value) {
  const ir::Node* reshape = made_by(value, "Reshape");
  const ir::Node* expand = reshape ? made_by(reshape->input(0), "Expand") : nullptr;
  const ir::Node* unsqueeze = expand ? made_by(expand->input(0), "Unsqueeze") : nullptr;
  if (!unsqueeze || ints(unsqueeze->input(1)) != std::vector<int64_t>{2}) return value;
  ir::Value* k = unsqueeze->input(0);
  const auto &from = k->shape(), &wide = expand->output(0)->shape(), &to = value->shape();
  if (!from || !wide || !to || from->size() != 4 || wide->size() != 5 || to->size() != 4)
    return value;
  const bool repeats = (*wide)[0] == (*from)[0] && (*wide)[1] == (*from)[1] &&
                       (*wide)[3] == (*from)[2] && (*wide)[4] == (*from)[3] &&
                       (*to)[0] == (*from)[0] && (*to)[1] == (*wide)[1] * (*wide)[2] &&
                       (*to)[2] == (*from)[2] && (*to)[3] == (*from)[3];
  return repeats ? k : value;
}

// q * k^T with its scale. In the form that Tenon writes, the scale's root is applied to both.
bool match_product(ir::Value* scores, Parts& parts, bool any_form) {
  if (any_form) scores = unscaled(scores, parts.scale);
  const ir::Node* product = made_by(scores, "MatMul");
  if (product == nullptr) return false;
  if (!any_form) {
    const auto q = scalar_operand(made_by(product->input(0), "Mul"));
    const auto k = scalar_operand(made_by(product->input(1), "Mul"));
    if (!q || !k || q->scalar != k->scalar) return false;
    parts.q = q->value;
    parts.k = untransposed(k->value);
    parts.scale = q->scalar * k->scalar;
    return parts.k != nullptr;
  }
  parts.q = unscaled(product->input(0), parts.scale);
  parts.k = untransposed(unscaled(product->input(1), parts.scale));
  if (parts.k == nullptr) return false;
  parts.k = unscaled(parts.k, parts.scale);
  return true;
}

void match_softcap(ir::Value*& scores, Parts& parts) {
  const auto outer = scalar_operand(made_by(scores, "Mul"));
  const ir::Node* tanh = outer ? made_by(outer->value, "Tanh") : nullptr;
  const ir::Node* div = tanh ? made_by(tanh->input(0), "Div") : nullptr;
  if (!div || scalar(div->input(1)) != outer->scalar || outer->scalar <= 0) return;
  parts.softcap = static_cast<float>(outer->scalar);
  scores = div->input(0);
}

std::optional<Parts> match(const ir::Node& node, bool any_form) {
  Parts parts;
  parts.v = node.input(1);
  ir::Value *bias = nullptr, *weights = node.input(0);
  if (ir::Value* inner = unguarded(weights, bias)) {
    parts.guarded = true;
    weights = inner;
  }
  const ir::Node* softmax = made_by(weights, "Softmax");
  if (softmax == nullptr) return std::nullopt;
  const auto rank = softmax->input(0)->rank();
  const int64_t axis = softmax->as<ops::Softmax>().axis;
  if (rank != 4 || (axis != -1 && axis != 3)) return std::nullopt;
  ir::Value* scores = softmax->input(0);
  if (const ir::Node* add = made_by(scores, "Add")) {
    for (size_t i : {size_t{0}, size_t{1}}) {
      Parts with = parts;
      ir::Value* inner = add->input(i);
      match_softcap(inner, with);
      if (!match_product(inner, with, any_form)) continue;
      with.mask = add->input(1 - i);
      if (with.guarded && with.mask != bias) continue;
      return with;
    }
    return std::nullopt;
  }
  match_softcap(scores, parts);
  if (!match_product(scores, parts, any_form) || parts.guarded) return std::nullopt;
  return parts;
}

bool shapes_fit(const Parts& parts, const ir::Node& node) {
  for (const ir::Value* value : {parts.q, parts.k, parts.v}) {
    if (value->rank() != 4 || !is_floating(value->dtype()) ||
        value->dtype() != node.output(0)->dtype())
      return false;
  }
  const ir::Shape &q = *parts.q->shape(), &k = *parts.k->shape(), &v = *parts.v->shape();
  // MatMul broadcasts the leading axes, attention does not.
  const auto heads = q[1].constant(), kv_heads = k[1].constant();
  const bool shared = heads && kv_heads && *kv_heads > 0 && *heads % *kv_heads == 0;
  if (!(q[0] == k[0] && q[0] == v[0] && (q[1] == k[1] || shared) && k[1] == v[1] && q[3] == k[3] &&
        k[2] == v[2]))
    return false;
  if (parts.mask == nullptr) return true;
  const auto& mask = parts.mask->shape();
  if (!mask || mask->size() < 2 || mask->size() > 4 || !(mask->back() == k[2])) return false;
  const ir::Shape scores{q[0], q[1], q[2], k[2]};
  for (size_t i = 0; i < mask->size(); ++i) {
    const ir::Dim &own = (*mask)[mask->size() - 1 - i], &whole = scores[3 - i];
    if (!(own == whole) && !own.is(1)) return false;
  }
  return true;
}

Result<bool> rewrite(ir::Graph& graph, const PassContext& context, bool any_form) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->is("MatMul") || is_dead(*node)) continue;
    auto parts = match(*node, any_form);
    if (!parts) continue;
    if (ir::Value* k = unrepeated(parts->k), *v = unrepeated(parts->v);
        k != parts->k && v != parts->v && (*k->shape())[1] == (*v->shape())[1]) {
      parts->k = k;
      parts->v = v;
    }
    if (!shapes_fit(*parts, *node) || parts->scale <= 0) continue;
    const ir::Shape &q = *parts->q->shape(), &k = *parts->k->shape();
    if (parts->mask) {
      ir::Value* boolean = boolean_mask(parts->mask);
      ir::Value* mask = boolean ? boolean : parts->mask;
      if (!parts->guarded && is_causal_mask(mask, q[2], k[2])) {
        parts->causal = true;
        mask = nullptr;
      } else if (!parts->guarded && !no_blind_queries(mask)) {
        continue;  // where a query sees no key, the formula gives NaN and the operator 0
      }
      parts->mask = mask;
    }
    ops::Attention op{.is_causal = parts->causal, .softcap = parts->softcap};
    const auto size = q[3].constant();
    if (!size || !close(parts->scale, 1 / std::sqrt(static_cast<double>(*size)),
                        scale_tolerance(parts->q->dtype())))
      op.scale = static_cast<float>(parts->scale);
    ir::Builder b = builder_before(*node, context);
    std::vector<ir::Value*> inputs{parts->q, parts->k, parts->v};
    if (parts->mask) inputs.push_back(parts->mask);
    ir::Value* value = b.emit(op, inputs);
    if (value->type == node->output(0)->type) changed |= replace_node(*node, b, std::array{value});
  }
  return changed;
}

bool swaps_heads_and_sequence(const ir::Node* node) {
  return node && node->as<ops::Transpose>().perm == std::vector<int64_t>{0, 2, 1, 3};
}

// x of [batch, sequence, heads * size], where value is x with its heads taken apart and put before
// the sequence.
ir::Value* joined_heads(const ir::Value* value) {
  const ir::Node* transpose = made_by(value, "Transpose");
  if (!swaps_heads_and_sequence(transpose)) return nullptr;
  const ir::Node* reshape = made_by(transpose->input(0), "Reshape");
  if (!reshape || !reshape->input(0)->shape() || !value->shape()) return nullptr;
  const ir::Shape &x = *reshape->input(0)->shape(), &apart = *value->shape();
  const bool fits = x.size() == 3 && apart.size() == 4 && x[0] == apart[0] && x[1] == apart[2] &&
                    x[2] == apart[1] * apart[3];
  return fits ? reshape->input(0) : nullptr;
}

// The node that gives the value with its heads put together again, where nothing else uses it.
ir::Node* joining(const ir::Value* value) {
  if (!used_once(value)) return nullptr;
  ir::Node* transpose = value->uses[0].node;
  if (!transpose->is("Transpose") || !swaps_heads_and_sequence(transpose) ||
      !used_once(transpose->output(0)) || !value->shape())
    return nullptr;
  ir::Node* reshape = transpose->output(0)->uses[0].node;
  if (!reshape->is("Reshape") || !reshape->output(0)->shape()) return nullptr;
  const ir::Shape &y = *reshape->output(0)->shape(), &apart = *value->shape();
  const bool fits = y.size() == 3 && apart.size() == 4 && y[0] == apart[0] && y[1] == apart[2] &&
                    y[2] == apart[1] * apart[3];
  return fits ? reshape : nullptr;
}

// Attention over heads that are taken apart before it and put together after it takes them
// together: that is what its number of heads is for.
bool join_heads(ir::Node& node, const PassContext& context) {
  if (!node.is("Attention") || node.inputs().size() > 4 || !node.input(0)->shape() ||
      !node.input(1)->shape())
    return false;
  for (size_t i = 1; i < node.outputs().size(); ++i) {
    if (!node.output(i)->uses.empty()) return false;
  }
  std::vector<ir::Value*> inputs;
  for (size_t i = 0; i < 3; ++i) inputs.push_back(joined_heads(node.input(i)));
  if (!inputs[0] || !inputs[1] || !inputs[2]) return false;
  ir::Node* last = joining(node.output(0));
  const auto heads = (*node.input(0)->shape())[1].constant();
  const auto kv_heads = (*node.input(1)->shape())[1].constant();
  if (!last || !heads || !kv_heads) return false;
  if (node.input(3)) inputs.push_back(node.input(3));
  auto op = node.as<ops::Attention>();
  op.q_num_heads = heads;
  op.kv_num_heads = kv_heads;
  ir::Builder b = builder_before(*last, context);
  b.set_origin(node.origin);
  ir::Value* value = b.emit(op, std::move(inputs));
  if (value->type != last->output(0)->type || !replace_node(*last, b, std::array{value}))
    return false;
  value->producer->name = std::exchange(node.name, {});
  return true;
}

}  // namespace

Result<bool> recognise_attention(ir::Graph& graph, const PassContext& context) {
  bool changed = TRY(rewrite(graph, context, false));
  for (ir::Node* node : snapshot(graph)) changed |= !is_dead(*node) && join_heads(*node, context);
  return changed;
}

Result<bool> fuse_attention(ir::Graph& graph, const PassContext& context) {
  return rewrite(graph, context, true);
}

}  // namespace tenon::passes
