// Layer, RMS and group normalisation from their formulas.
#include <algorithm>
#include <array>

#include "ops/group_norm/group_norm.h"
#include "ops/instance_norm/instance_norm.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/reduce/reduce.h"
#include "ops/reshape/reshape.h"
#include "ops/rms_norm/rms_norm.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

// How many of the last axes a ReduceMean that keeps them goes over; nullopt for other axes.
std::optional<int64_t> mean_of_last(const ir::Node* node) {
  if (node == nullptr || !node->is("ReduceMean") || !node->as<ops::ReduceMean>().keepdims)
    return std::nullopt;
  const auto rank = node->input(0)->rank();
  auto axes = ints(node->input(1));
  if (!rank || !axes || axes->empty()) return std::nullopt;
  const auto r = static_cast<int64_t>(*rank);
  for (int64_t& axis : *axes) axis = axis < 0 ? axis + r : axis;
  std::ranges::sort(*axes);
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != r - static_cast<int64_t>(axes->size() - i)) return std::nullopt;
  }
  return static_cast<int64_t>(axes->size());
}

// x where value is x * x.
ir::Value* root_of_square(ir::Value* value) {
  if (const ir::Node* mul = made_by(value, "Mul"))
    return mul->input(0) == mul->input(1) ? mul->input(0) : nullptr;
  const ir::Node* pow = made_by(value, "Pow");
  return pow && scalar(pow->input(1)) == 2.0 ? pow->input(0) : nullptr;
}

struct Deviation {
  ir::Value* x = nullptr;  // what is squared
  int64_t axes = 0;
  double epsilon = 0;
};

// sqrt(mean(x^2) + epsilon)
std::optional<Deviation> deviation(ir::Value* value) {
  ir::Value* inside = nullptr;
  if (const ir::Node* sqrt = made_by(value, "Sqrt")) {
    inside = sqrt->input(0);
  } else if (const ir::Node* pow = made_by(value, "Pow"); pow && scalar(pow->input(1)) == 0.5) {
    inside = pow->input(0);
  }
  const auto sum = inside ? scalar_operand(made_by(inside, "Add")) : std::nullopt;
  if (!sum || sum->scalar < 0) return std::nullopt;
  const ir::Node* mean = made_by(sum->value, "ReduceMean");
  const auto axes = mean_of_last(mean);
  ir::Value* x = axes ? root_of_square(mean->input(0)) : nullptr;
  if (x == nullptr) return std::nullopt;
  return Deviation{x, *axes, sum->scalar};
}

// x / sqrt(mean(x^2) + epsilon), in one of its forms.
std::optional<Deviation> normalised(ir::Value* value) {
  if (const ir::Node* div = made_by(value, "Div")) {
    const auto d = deviation(div->input(1));
    return d && d->x == div->input(0) ? d : std::nullopt;
  }
  const ir::Node* mul = made_by(value, "Mul");
  if (mul == nullptr) return std::nullopt;
  for (size_t i : {size_t{0}, size_t{1}}) {
    const ir::Node* inverse = made_by(mul->input(i), "Reciprocal");
    ir::Value* root = inverse ? inverse->input(0) : nullptr;
    if (const ir::Node* div = made_by(mul->input(i), "Div"); div && scalar(div->input(0)) == 1.0)
      root = div->input(1);
    const auto d = root ? deviation(root) : std::nullopt;
    if (d && d->x == mul->input(1 - i)) return d;
  }
  return std::nullopt;
}

ir::Value* through_cast(ir::Value* value) {
  const ir::Node* cast = made_by(value, "Cast");
  return cast ? cast->input(0) : value;
}

// Whether a parameter has just the shape of the last axes.
bool has_last_shape(const ir::Value* parameter, const ir::Value* x, int64_t axes) {
  const auto &own = parameter->shape(), &whole = x->shape();
  if (!own || !whole || own->size() != static_cast<size_t>(axes)) return false;
  return std::equal(own->begin(), own->end(), whole->end() - axes);
}

struct Normal {
  Deviation deviation;
  ir::Value* x = nullptr;  // the operator's input
  bool centred = false;
  DType computed = DType::f32;  // the type inside
};

// A normalised value before scale and bias. Inside, the computation may be in a wider type.
std::optional<Normal> normal_of(ir::Value* value) {
  const auto d = normalised(through_cast(value));
  if (!d) return std::nullopt;
  Normal out{.deviation = *d, .computed = d->x->dtype()};
  ir::Value* x = d->x;
  if (const ir::Node* sub = made_by(x, "Sub")) {
    const ir::Node* mean = made_by(sub->input(1), "ReduceMean");
    if (mean && mean->input(0) == sub->input(0) && mean_of_last(mean) == d->axes) {
      x = sub->input(0);
      out.centred = true;
    }
  }
  // The value's own type: casts before and after belong to the operator.
  if (x->dtype() != value->dtype()) {
    const ir::Node* cast = made_by(x, "Cast");
    if (cast == nullptr || cast->input(0)->dtype() != value->dtype()) return std::nullopt;
    x = cast->input(0);
  }
  out.x = x;
  return out;
}

ir::Value* recognise_scaled(ir::Node& mul, ir::Builder& b) {
  for (size_t i : {size_t{0}, size_t{1}}) {
    const auto normal = normal_of(mul.input(i));
    ir::Value* scale = mul.input(1 - i);
    if (!normal || !has_last_shape(scale, normal->x, normal->deviation.axes)) continue;
    const auto epsilon = static_cast<float>(normal->deviation.epsilon);
    const int64_t axis = -normal->deviation.axes;
    // stash_type 1 means f32, or the type of doubles.
    const bool usual = normal->computed == DType::f32 || normal->computed == DType::f64;
    const int64_t stash = usual ? 1 : static_cast<int64_t>(normal->computed);
    if (normal->centred)
      return b.emit(ops::LayerNormalization{.axis = axis, .epsilon = epsilon, .stash_type = stash},
                    {normal->x, scale});
    return b.emit(ops::RMSNormalization{.axis = axis, .epsilon = epsilon, .stash_type = stash},
                  {normal->x, scale});
  }
  return nullptr;
}

// LayerNormalization without a bias, then one.
ir::Value* recognise_bias(ir::Node& add, ir::Builder& b) {
  for (size_t i : {size_t{0}, size_t{1}}) {
    ir::Node* norm = made_by(add.input(i), "LayerNormalization");
    ir::Value* bias = add.input(1 - i);
    if (!norm || norm->input(2) || !used_once(norm->output(0)) || norm->outputs().size() > 1)
      continue;
    const auto op = norm->as<ops::LayerNormalization>();
    const auto rank = norm->input(0)->rank();
    if (!rank) continue;
    const int64_t axes = op.axis < 0 ? -op.axis : static_cast<int64_t>(*rank) - op.axis;
    if (!has_last_shape(bias, norm->input(0), axes)) continue;
    return b.emit(op, {norm->input(0), norm->input(1), bias});
  }
  return nullptr;
}

// A parameter per channel that was given the shape [C, 1, ...], as a vector.
ir::Value* channel_vector(ir::Value* value, const ir::Shape& x, ir::Builder& b) {
  const auto& shape = value->shape();
  if (!shape || shape->size() + 1 != x.size() || shape->empty() || !((*shape)[0] == x[1]))
    return nullptr;
  for (size_t i = 1; i < shape->size(); ++i) {
    if (!(*shape)[i].is(1)) return nullptr;
  }
  if (value->is_constant())
    return b.constant(value->constant->reshaped({value->constant->count()}), value->name);
  if (shape->size() == 1) return value;
  const ir::Node* reshape = made_by(value, "Reshape");
  if (reshape && reshape->input(0)->rank() == 1) return reshape->input(0);
  return b.emit(ops::Reshape{}, {value, b.ints({-1})});
}

// Reshape to [N, groups, -1], instances, back, scale and bias by channel.
ir::Value* recognise_group_norm(ir::Node& add, ir::Builder& b) {
  for (size_t i : {size_t{0}, size_t{1}}) {
    const ir::Node* mul = made_by(add.input(i), "Mul");
    if (mul == nullptr) continue;
    for (size_t j : {size_t{0}, size_t{1}}) {
      const ir::Node* back = made_by(through_cast(mul->input(j)), "Reshape");
      const ir::Node* norm = back ? made_by(back->input(0), "InstanceNormalization") : nullptr;
      const ir::Node* split = norm ? made_by(norm->input(0), "Reshape") : nullptr;
      if (!split || !is_filled(norm->input(1), 1) || !is_filled(norm->input(2), 0)) continue;
      ir::Value* x = through_cast(split->input(0));
      const auto &shape = x->shape(), &grouped = split->output(0)->shape();
      if (!shape || shape->size() < 2 || back->output(0)->shape() != shape || !grouped ||
          grouped->size() != 3 || !((*grouped)[0] == (*shape)[0]) || !(*grouped)[1].is_constant() ||
          x->dtype() != add.output(0)->dtype())
        continue;
      ir::Value* scale = channel_vector(mul->input(1 - j), *shape, b);
      ir::Value* bias = channel_vector(add.input(1 - i), *shape, b);
      if (scale == nullptr || bias == nullptr) continue;
      const DType stash = norm->output(0)->dtype();
      return b.emit(
          ops::GroupNormalization{
              .epsilon = norm->as<ops::InstanceNormalization>().epsilon,
              .num_groups = *(*grouped)[1].constant(),
              .stash_type = stash == DType::f64 ? 1 : static_cast<int64_t>(stash)},
          {x, scale, bias});
    }
  }
  return nullptr;
}

}  // namespace

Result<bool> recognise_norms(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!node->domain.empty() || is_dead(*node)) continue;
    ir::Builder b = builder_before(*node, context);
    ir::Value* value = nullptr;
    if (node->op == "Mul") value = recognise_scaled(*node, b);
    if (node->op == "Add") {
      value = recognise_bias(*node, b);
      if (value == nullptr) value = recognise_group_norm(*node, b);
    }
    if (value && value->type == node->output(0)->type)
      changed |= replace_node(*node, b, std::array{value});
  }
  return changed;
}

}  // namespace tenon::passes
