#include "torch/quantised.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/quantize/quantize.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

// A scale or zero point as a constant: without dimensions, or one for each place along the axis.
ir::Value* parameters(Machine& m, const Quantiser& q, const std::vector<double>& values,
                      DType dtype) {
  if (q.axis < 0) return m.builder.scalar(values[0], dtype);
  const Tensor all = Tensor::of<double>(DType::f64, {static_cast<int64_t>(values.size())}, values);
  return m.builder.cast(m.builder.constant(all), dtype);
}

ir::Value* scale_value(Machine& m, const Quantiser& q) {
  return q.is_known() ? parameters(m, q, q.scales, DType::f32) : q.scale;
}
ir::Value* zero_point_value(Machine& m, const Quantiser& q, DType dtype) {
  return q.is_known() ? parameters(m, q, q.zero_points, dtype) : q.zero_point;
}

// Of 32-bit integers there are no zero points in ONNX, and no QuantizeLinear gives them.
bool is_plain(const Quantiser& q, DType dtype) {
  const auto whole = [](double point) { return std::nearbyint(point) == point; };
  if (dtype == DType::i32) return false;
  return !q.is_known() || std::all_of(q.zero_points.begin(), q.zero_points.end(), whole);
}

// A scale or zero point along the axis in a shape that broadcasts to the tensor's.
ir::Value* along(Machine& m, const Quantiser& q, ir::Value* value, size_t rank) {
  if (q.axis < 0) return value;
  Dims shape(rank, 1);
  shape[static_cast<size_t>(q.axis)] = -1;
  return m.builder.emit_with("Reshape", {{"allowzero", int64_t{0}}},
                             {value, m.builder.ints(shape)});
}

// (x - zero point) * scale, in f64 where the integers do not fit into f32.
ir::Value* composed_real(Machine& m, const AbstractTensor& t, ir::Value* x) {
  const Quantiser& q = *t.quantiser;
  ir::Builder& b = m.builder;
  const DType wide = t.dtype == DType::i32 ? DType::f64 : DType::f32;
  const size_t rank = t.sizes.size();
  ir::Value* point = b.cast(zero_point_value(m, q, wide), wide);
  x = b.emit_named("Sub", {b.cast(x, wide), along(m, q, point, rank)});
  return b.emit_named("Mul", {b.cast(x, DType::f32), along(m, q, scale_value(m, q), rank)});
}

// round(x / scale) + zero point, saturated.
ir::Value* composed_integers(Machine& m, const Quantiser& q, ir::Value* x, DType dtype) {
  ir::Builder& b = m.builder;
  const size_t rank = x->rank().value_or(0);
  const ops::IntegerLimits limits = ops::limits_of(dtype);
  x = b.emit_named("Round", {b.emit_named("Div", {x, along(m, q, scale_value(m, q), rank)})});
  ir::Value* point = b.cast(zero_point_value(m, q, DType::f64), DType::f64);
  x = b.emit_named("Add", {b.cast(x, DType::f64), along(m, q, point, rank)});
  x = b.emit_named("Min", {x, b.scalar(limits.high, DType::f64)});
  return b.cast(b.emit_named("Max", {x, b.scalar(limits.low, DType::f64)}), dtype);
}

}  // namespace

QuantiserRef per_tensor(double scale, double zero_point) {
  return std::make_shared<const Quantiser>(Quantiser{{scale}, {zero_point}});
}

Result<QuantiserRef> per_tensor(Machine& m, const Value& scale, const Value& zero_point,
                                DType dtype) {
  const Float s = TRY(m.to_float(scale));
  const Dim z = TRY(m.to_int(zero_point));
  if (s.is_known() && z.is_constant())
    return per_tensor(s.known, static_cast<double>(*z.constant()));
  Quantiser out;
  out.scale = TRY(m.scalar_value(s, DType::f32));
  out.zero_point = TRY(m.scalar_value(z, dtype));
  return std::make_shared<const Quantiser>(std::move(out));
}

Result<Value> dequantised(Machine& m, const Value& value) {
  const TensorRef* t = value.get<TensorRef>();
  if (t == nullptr || !(*t)->quantiser) return value;
  const AbstractTensor& tensor = **t;
  const Quantiser& q = *tensor.quantiser;
  ir::Value* x = TRY(m.read(tensor));
  if (is_plain(q, tensor.dtype)) {
    ops::DequantizeLinear op;
    if (q.axis >= 0) op.axis = q.axis;
    x = m.builder.emit(op, {x, scale_value(m, q), zero_point_value(m, q, tensor.dtype)});
  } else {
    x = composed_real(m, tensor, x);
  }
  TRY(m.builder.status());
  return m.tensor(x);
}

Result<Value> quantised(Machine& m, const Value& real, const QuantiserRef& quantiser, DType dtype) {
  const TensorRef* t = real.get<TensorRef>();
  if (t == nullptr) return real;
  const Quantiser& q = *quantiser;
  ir::Value* x = TRY(m.read_as(**t, DType::f32));
  if (is_plain(q, dtype)) {
    ops::QuantizeLinear op;
    if (q.axis >= 0) op.axis = q.axis;
    x = m.builder.emit(op, {x, scale_value(m, q), zero_point_value(m, q, dtype)});
  } else {
    x = composed_integers(m, q, x, dtype);
  }
  TRY(m.builder.status());
  const Value made = m.tensor(x);
  return with_quantiser(*made.get<TensorRef>(), quantiser);
}

bool is_quantised(const Machine& m, const Value& value) {
  if (const TensorRef* t = value.get<TensorRef>()) return (*t)->quantiser != nullptr;
  const auto* items = m.items(value);
  return items && std::any_of(items->begin(), items->end(),
                              [&](const Value& item) { return is_quantised(m, item); });
}

// --- PyTorch's own operators on quantised tensors

namespace {

// What an operator that knows nothing of scales does with quantised tensors.
enum class Rule : uint8_t {
  moves,     // moves elements, or tells of the tensor: the integers are what it sees
  keeps,     // computes numbers of the first tensor's scale
  tells,     // gives something that is not quantised: computed from real numbers
  unit,      // gives 0..1, with the scale that PyTorch fixes for that
  unit_both  // gives -1..1, the same
};

constexpr std::string_view kMoves =
    " view reshape flatten permute transpose t numpy_T unsqueeze squeeze expand "
    "expand_as select slice narrow split chunk unbind contiguous clone detach alias "
    "movedim swapaxes swapdims unflatten flip index_select channel_shuffle pixel_shuffle "
    "pixel_unshuffle dropout feature_dropout size sym_size stride dim numel "
    "is_contiguous is_floating_point is_complex __is__ __isnot__ len cpu requires_grad_ "
    "view_as reshape_as ravel split_with_sizes _unsafe_view repeat index "
    "_shape_as_tensor unfold positive _reshape_alias resolve_neg resolve_conj tile "
    "broadcast_to lift_fresh native_channel_shuffle ";
constexpr std::string_view kKeeps =
    " relu relu6 hardtanh clamp clip max_pool1d max_pool2d max_pool3d avg_pool1d "
    "avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
    "_adaptive_avg_pool2d _adaptive_avg_pool3d mean upsample_nearest2d "
    "upsample_nearest3d _upsample_nearest_exact2d _upsample_nearest_exact3d "
    "upsample_bilinear2d leaky_relu gelu threshold cat concat stack max min topk sort "
    "reflection_pad1d reflection_pad2d constant_pad_nd pad masked_fill interpolate "
    "__interpolate ";
constexpr std::string_view kTells = " eq ne lt le gt ge equal item ";
constexpr std::string_view kUnit = " sigmoid hardsigmoid ", kUnitBoth = " tanh ";

std::optional<Rule> rule_of(std::string_view name) {
  constexpr std::pair<std::string_view, Rule> kRules[] = {{kMoves, Rule::moves},
                                                          {kKeeps, Rule::keeps},
                                                          {kTells, Rule::tells},
                                                          {kUnit, Rule::unit},
                                                          {kUnitBoth, Rule::unit_both}};
  const std::string word = fmt::format(" {} ", name);
  for (const auto& [names, rule] : kRules) {
    if (names.find(word) != std::string_view::npos) return rule;
  }
  return std::nullopt;
}

// Averages of integers lie in the middle between two steps more often than by chance. Computed with
// a scale of 1 they are exact, and rounded as PyTorch rounds them.
bool averages(std::string_view name) { return name.find("avg_pool") != std::string_view::npos; }
Value in_steps(const Value& value) {
  const TensorRef& t = *value.get<TensorRef>();
  Quantiser q = *t->quantiser;
  if (q.is_known()) q.scales.assign(q.scales.size(), 1);
  return with_quantiser(t, std::make_shared<const Quantiser>(std::move(q)));
}

// The first quantised tensor of the arguments.
TensorRef first_of(const Machine& m, const Arguments& arguments) {
  for (const Value& value : arguments) {
    if (const TensorRef* t = value.get<TensorRef>(); t && (*t)->quantiser) return *t;
    const auto* items = m.items(value);
    if (items == nullptr) continue;
    if (TensorRef found = first_of(m, *items)) return found;
  }
  return nullptr;
}

// The arguments with something else in the place of each quantised tensor.
template <class F>
Result<Arguments> map_tensors(Machine& m, const Arguments& arguments, F&& f) {
  Arguments out;
  for (const Value& value : arguments) {
    if (!is_quantised(m, value)) {
      out.push_back(value);
    } else if (value.is<TensorRef>()) {
      out.push_back(TRY(f(value)));
    } else {
      const Arguments items = *m.items(value);
      Arguments inner = TRY(map_tensors(m, items, f));
      out.push_back(value.is<TupleRef>() ? Value::tuple(std::move(inner))
                                         : m.list(std::move(inner)));
    }
  }
  return out;
}

// A result with every tensor of the type `dtype` in it changed by f.
template <class F>
Result<Value> map_result(Machine& m, const Value& result, DType dtype, F&& f) {
  if (const TensorRef* t = result.get<TensorRef>())
    return (*t)->dtype == dtype ? TRY(f(*t)) : result;
  const auto* items = m.items(result);
  if (items == nullptr) return result;
  Arguments out;
  const Arguments copy = *items;
  for (const Value& item : copy) out.push_back(TRY(map_result(m, item, dtype, f)));
  return result.is<ListRef>() ? m.list(std::move(out)) : Value::tuple(std::move(out));
}

Result<Value> refuse(Machine& m, const Schema& schema, const std::string& why) {
  const Value poison = m.unsupported("unsupported operator " + schema.full_name(), why,
                                     "dequantise its arguments: x.dequantize()");
  if (schema.returns.size() <= 1) return poison;
  return Value::tuple(Arguments(schema.returns.size(), poison));
}

Result<Value> move(Machine& m, const Schema& schema, const Arguments& arguments,
                   const TensorRef& first) {
  static constexpr std::string_view kSameAxes[] = {
      "aten::contiguous", "aten::clone",  "aten::detach", "aten::alias",        "aten::size",
      "aten::sym_size",   "aten::stride", "aten::dim",    "aten::numel",        "aten::__is__",
      "aten::__isnot__",  "aten::len",    "aten::cpu",    "aten::is_contiguous"};
  if (first->quantiser->axis >= 0 &&
      std::ranges::find(kSameAxes, schema.name) == std::end(kSameAxes))
    return refuse(m, schema,
                  "the tensor has a scale for each place along an axis, and the operator may move "
                  "that axis");
  auto integers = [](const Value& value) -> Result<Value> {
    return with_quantiser(*value.get<TensorRef>(), nullptr);
  };
  const Value made = TRY(m.call_overload(schema, TRY(map_tensors(m, arguments, integers))));
  return map_result(m, made, first->dtype, [&](const TensorRef& t) -> Result<Value> {
    return with_quantiser(t, first->quantiser);
  });
}

// Operators on lists, dicts and anything: they hold the tensor and do not look into it.
bool holds(const Schema& schema) {
  using Kind = SchemaType::Kind;
  if (schema.name.starts_with("prim::")) return true;
  if (schema.arguments.empty()) return false;
  const SchemaType& first = schema.arguments[0].type;
  if (first.is(Kind::list)) return !first.inner[0].is(Kind::tensor);
  return first.is(Kind::dict) || first.is(Kind::tuple) || first.is(Kind::any) ||
         first.is(Kind::variable) || first.is(Kind::object);
}

// Operators of quantised tensors alone (quantised_operators.cpp, quantised_layers.cpp).
bool of_quantised_tensors(std::string_view name) {
  constexpr std::string_view kNames[] = {"aten::dequantize", "aten::int_repr", "aten::qscheme"};
  return name.starts_with("quantized::") || name.starts_with("aten::q_") ||
         name.starts_with("aten::quantize_per_") ||
         std::ranges::find(kNames, name) != std::end(kNames);
}

// The scale and zero point that PyTorch fixes for results between 0 and 1, or -1 and 1.
QuantiserRef fixed(Rule rule, DType dtype) {
  if (dtype == DType::i32) return nullptr;
  if (rule == Rule::unit) return per_tensor(1.0 / 256, dtype == DType::u8 ? 0 : -128);
  return per_tensor(2.0 / 256, dtype == DType::u8 ? 128 : 0);
}

// relu_ and its like: the tensor keeps its scale.
Result<Value> in_place(Machine& m, const Schema& schema, const Arguments& arguments) {
  const Schema* functional =
      find_overload(schema.name.substr(0, schema.name.size() - 1), schema.overload);
  const TensorRef* target = arguments[0].get<TensorRef>();
  if (functional == nullptr || target == nullptr)
    return refuse(m, schema, "Tenon does not compute it on quantised tensors");
  const Value made = TRY(m.call_overload(*functional, arguments));
  const TensorRef* t = made.get<TensorRef>();
  if (t == nullptr) return made;
  if (!same_quantiser(**t, **target))
    return refuse(m, schema, "it would give the tensor that it writes to another scale");
  TRY(m.write(**target, TRY(m.read(**t))));
  return *target;
}

}  // namespace

Result<std::optional<Value>> call_quantised(Machine& m, const Schema& schema,
                                            Arguments& arguments) {
  if (std::none_of(arguments.begin(), arguments.end(),
                   [&](const Value& value) { return is_quantised(m, value); }))
    return std::nullopt;
  if (of_quantised_tensors(schema.name) || holds(schema)) return std::nullopt;
  std::string_view name = schema.name;
  if (name.starts_with("aten::")) name.remove_prefix(6);
  const bool writes = std::any_of(schema.arguments.begin(), schema.arguments.end(),
                                  [](const SchemaArgument& a) { return a.written; });
  const auto rule = rule_of(name);
  if (!rule && writes && name.ends_with("_") && rule_of(name.substr(0, name.size() - 1)) &&
      schema.arguments[0].written)
    return TRY(in_place(m, schema, arguments));
  if (!rule || (writes && *rule != Rule::moves))
    return TRY(refuse(m, schema, "Tenon does not compute it on quantised tensors"));
  const TensorRef first = first_of(m, arguments);
  if (*rule == Rule::moves) return TRY(move(m, schema, arguments, first));
  const bool exact = averages(name);
  const Arguments reals = TRY(map_tensors(m, arguments, [&](const Value& value) {
    return dequantised(m, exact ? in_steps(value) : value);
  }));
  const Value real = TRY(m.call_overload(schema, reals));
  if (*rule == Rule::tells) return real;
  QuantiserRef quantiser = first->quantiser;
  if (*rule != Rule::keeps) quantiser = fixed(*rule, first->dtype);
  if (quantiser == nullptr || quantiser->axis >= 0)
    return TRY(refuse(m, schema, "its result would have a scale that Tenon does not know"));
  const TensorRef form = exact ? *in_steps(first).get<TensorRef>() : first;
  return TRY(map_result(m, real, DType::f32, [&](const TensorRef& t) -> Result<Value> {
    const Value made = TRY(quantised(m, t, exact ? form->quantiser : quantiser, first->dtype));
    return with_quantiser(*made.get<TensorRef>(), quantiser);
  }));
}

}  // namespace tenon::torch
