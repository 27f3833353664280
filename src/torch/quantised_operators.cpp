// PyTorch's operators of quantised tensors: quantize and dequantize, and the namespace quantized.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/reduce/reduce.h"
#include "torch/quantised.h"
#include "torch/quantised_layers.h"
#include "torch/views.h"

namespace tenon::torch {
using Arguments = std::vector<Value>;

Value argument(const Schema& schema, const Arguments& arguments, std::string_view name) {
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    if (schema.arguments[i].name == name) return arguments[i];
  }
  return {};
}

Result<TensorRef> quantised_of(Machine& m, const Value& value, const Schema& schema) {
  const TensorRef t = TRY(tensor_of(m, value));
  if (t->quantiser) return t;
  return m.fail(ErrorKind::bad_file, schema.full_name() + " needs a quantised tensor",
                "its argument is not quantised");
}

Value refuse(Machine& m, const Schema& schema, const std::string& why, const std::string& hint) {
  const Value poison = m.unsupported("unsupported operator " + schema.full_name(), why, hint);
  if (schema.returns.size() <= 1) return poison;
  return Value::tuple(Arguments(schema.returns.size(), poison));
}

namespace {

bool ends_with_relu(const Schema& schema) {
  return !schema.name.ends_with("leaky_relu") &&
         (schema.name.ends_with("_relu") || schema.name.find("_relu_") != std::string::npos);
}

}  // namespace

Result<Value> with_relu(Machine& m, const Schema& schema, Value value) {
  if (!ends_with_relu(schema)) return value;
  return m.call("aten::relu", {std::move(value)});
}

// The result of an operator in its scale and zero point, the arguments of these names.
Result<Value> in_scale(Machine& m, const Schema& schema, const Arguments& args, const Value& real,
                       DType dtype, std::string_view scale, std::string_view point) {
  if (real.is<Poison>()) return real;
  const QuantiserRef q =
      TRY(per_tensor(m, argument(schema, args, scale), argument(schema, args, point), dtype));
  return quantised(m, real, q, dtype);
}

namespace {

// --- to quantised numbers and back

Result<DType> quantised_dtype(Machine& m, const Value& value) {
  const int64_t number = TRY(m.to_constant_int(value, "a dtype"));
  if (number == 12) return DType::i8;
  if (number == 13) return DType::u8;
  if (number == 14) return DType::i32;
  return m.fail(ErrorKind::unsupported, "cannot quantise to this type",
                fmt::format("torch's type {} has no form in ONNX", number),
                "quantise to torch.quint8 or torch.qint8");
}

Result<Value> quantize_per_tensor(Machine& m, const Schema& schema, Arguments& args) {
  const DType dtype = TRY(quantised_dtype(m, args[3]));
  if (!schema.arguments[0].type.is(SchemaType::Kind::list))
    return quantised(m, args[0], TRY(per_tensor(m, args[1], args[2], dtype)), dtype);
  Arguments out;
  const Arguments tensors = TRY(m.iterate(args[0]));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Value at = Value::integer(static_cast<int64_t>(i)), first = Value::integer(0);
    const Value scale = TRY(m.call("aten::select", {args[1], first, at}));
    const Value point = TRY(m.call("aten::select", {args[2], first, at}));
    out.push_back(TRY(quantised(m, tensors[i], TRY(per_tensor(m, scale, point, dtype)), dtype)));
  }
  return m.list(std::move(out));
}

// All elements of a tensor that is known when the model is converted.
Result<std::vector<double>> known_numbers(Machine& m, const Value& value, const char* what) {
  const TensorRef t = TRY(tensor_of(m, value));
  const ir::Value* read = TRY(m.read_as(*t, DType::f64));
  if (const auto known = m.computed(*read)) {
    const auto values = known->values<double>();
    return std::vector<double>(values.begin(), values.end());
  }
  return m.fail(ErrorKind::unsupported, fmt::format("{} must be known", what),
                "it depends on the input of the model", "quantise with constant scales");
}

Result<Value> quantize_per_channel(Machine& m, const Schema&, Arguments& args) {
  const DType dtype = TRY(quantised_dtype(m, args[4]));
  Quantiser q;
  q.scales = TRY(known_numbers(m, args[1], "the scale of each channel"));
  q.zero_points = TRY(known_numbers(m, args[2], "the zero point of each channel"));
  const TensorRef t = TRY(tensor_of(m, args[0]));
  q.axis = static_cast<int64_t>(
      TRY(ir::normalize_axis(TRY(m.to_constant_int(args[3], "an axis")), t->sizes.size())));
  if (q.scales.empty() || q.scales.size() != q.zero_points.size())
    return m.fail(ErrorKind::bad_file, "cannot quantise a tensor",
                  "there are other numbers of scales and zero points");
  return quantised(m, args[0], std::make_shared<const Quantiser>(std::move(q)), dtype);
}

Result<Value> dequantize(Machine& m, const Schema&, Arguments& args) {
  if (args[0].is<TensorRef>()) {
    // A tensor that is not quantised becomes f32.
    if (is_quantised(m, args[0])) return dequantised(m, args[0]);
    return convert_tensor(m, *args[0].get<TensorRef>(), DType::f32, false);
  }
  Arguments out;
  for (const Value& item : TRY(m.iterate(args[0]))) out.push_back(TRY(dequantised(m, item)));
  return args[0].is<TupleRef>() ? Value::tuple(std::move(out)) : m.list(std::move(out));
}

// --- what a quantised tensor is

Result<Value> int_repr(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(quantised_of(m, args[0], schema));
  return m.tensor(TRY(m.read(*with_quantiser(t, nullptr))));
}
Result<Value> q_scale(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(quantised_of(m, args[0], schema));
  const Quantiser& q = *t->quantiser;
  return q.is_known() ? Value::number(q.scales[0]) : Value(Float{0, {}, 1, 0, q.scale});
}
Result<Value> q_zero_point(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(quantised_of(m, args[0], schema));
  const Quantiser& q = *t->quantiser;
  if (q.is_known()) return Value::integer(static_cast<int64_t>(q.zero_points[0]));
  return TRY(m.to_int(m.tensor(q.zero_point)));
}
template <bool scales>
Result<Value> q_per_channel(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(quantised_of(m, args[0], schema));
  const auto& values = scales ? t->quantiser->scales : t->quantiser->zero_points;
  const Tensor all = Tensor::of<double>(DType::f64, {static_cast<int64_t>(values.size())}, values);
  return m.tensor(m.builder.cast(m.builder.constant(all), scales ? DType::f64 : DType::i64));
}
Result<Value> q_axis(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(quantised_of(m, args[0], schema));
  return Value::integer(t->quantiser->axis);
}
// torch.per_tensor_affine and torch.per_channel_affine, in c10's numbering.
Result<Value> qscheme(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(quantised_of(m, args[0], schema));
  return Value::integer(t->quantiser->axis < 0 ? 0 : 1);
}

// --- scales that the data decides

struct Bounds {
  double low, high;
};

// The scale and zero point that make the range of x and 0 the range of the integers, as PyTorch
// chooses them (quant_utils.h). Results lie in f32, where PyTorch computes in double.
QuantiserRef chosen(Machine& m, ir::Value* x, const Bounds& range, DType dtype) {
  constexpr double kSmallest = 6.1e-5;
  ir::Builder& b = m.builder;
  ir::Value* zero = b.scalar(0, DType::f32);
  ir::Value* low = b.emit_named("Min", {b.emit(ops::ReduceMin{.keepdims = false}, {x}), zero});
  ir::Value* high = b.emit_named("Max", {b.emit(ops::ReduceMax{.keepdims = false}, {x}), zero});
  ir::Value* scale = b.emit_named(
      "Div", {b.emit_named("Sub", {high, low}), b.scalar(range.high - range.low, DType::f32)});
  scale = b.emit_named("Where",
                       {b.emit_named("Equal", {scale, zero}), b.scalar(0.1, DType::f32), scale});
  ir::Value* point =
      b.emit_named("Sub", {b.scalar(range.low, DType::f32), b.emit_named("Div", {low, scale})});
  point = b.emit_named("Clip", {b.emit_named("Round", {point}), b.scalar(range.low, DType::f32),
                                b.scalar(range.high, DType::f32)});
  Quantiser q;
  q.scale = b.emit_named("Max", {scale, b.scalar(kSmallest, DType::f32)});
  q.zero_point = b.cast(point, dtype);
  return std::make_shared<const Quantiser>(std::move(q));
}

}  // namespace

Result<Value> rounded(Machine& m, const Value& x, bool reduce_range) {
  const TensorRef t = TRY(tensor_of(m, x));
  ir::Value* value = TRY(m.read_as(*t, DType::f32));
  const QuantiserRef q = chosen(m, value, {0, reduce_range ? 127.0 : 255.0}, DType::u8);
  return quantised(m, m.tensor(value), q, DType::u8);
}

namespace {

Result<Value> quantize_dynamic(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (TRY(m.to_constant_int(args[1], "a dtype")) == 5)
    return convert_tensor(m, t, DType::f16, false);
  const DType dtype = TRY(quantised_dtype(m, args[1]));
  if (dtype == DType::i32) return refuse(m, schema, "ONNX has no such range of 32-bit integers");
  const bool reduce = m.decide(TRY(m.to_bool(args[2]))).value_or(false);
  Bounds range = dtype == DType::u8 ? Bounds{0, 255} : Bounds{-128, 127};
  if (reduce) range = {range.low / 2, std::floor(range.high / 2)};
  ir::Value* value = TRY(m.read_as(*t, DType::f32));
  return quantised(m, m.tensor(value), chosen(m, value, range, dtype), dtype);
}

// --- operators on quantised tensors that are float operators between two scales

// A quantised operator that is `op` of its arguments without its scale, zero point, and `inplace`.
struct Plain {
  std::string_view name, op;
};
constexpr Plain kPlain[] = {
    {"quantized::sigmoid", "aten::sigmoid"},
    {"quantized::hardswish", "aten::hardswish"},
    {"quantized::elu", "aten::elu"},
    {"quantized::celu", "aten::celu"},
    {"quantized::leaky_relu", "aten::leaky_relu"},
    {"quantized::prelu", "aten::prelu"},
    {"quantized::softmax", "aten::softmax"},
    {"quantized::layer_norm", "aten::layer_norm"},
    {"quantized::group_norm", "aten::group_norm"},
    {"quantized::add", "aten::add"},
    {"quantized::add_relu", "aten::add"},
    {"quantized::mul", "aten::mul"},
    {"quantized::mul_relu", "aten::mul"},
    {"quantized::matmul", "aten::matmul"},
};

Result<Value> plain(Machine& m, const Schema& schema, Arguments& args) {
  const auto* found = std::ranges::find(kPlain, schema.name, &Plain::name);
  if (found == std::end(kPlain)) return refuse(m, schema, "Tenon has no formula for it");
  const TensorRef first = TRY(quantised_of(m, args[0], schema));
  Arguments reals;
  std::string scale, point;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& name = schema.arguments[i].name;
    if (name == "inplace") continue;
    if (name == "output_zero_point" || name == "zero_point") {
      scale = schema.arguments[i - 1].name;
      point = name;
      reals.pop_back();
      continue;
    }
    reals.push_back(TRY(dequantised(m, args[i])));
  }
  const Value y = TRY(m.call(std::string(found->op), std::move(reals)));
  return in_scale(m, schema, args, TRY(with_relu(m, schema, y)), first->dtype, scale, point);
}

Result<Value> instance_norm(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef x = TRY(quantised_of(m, args[0], schema));
  const Value y =
      TRY(m.call("aten::instance_norm",
                 {TRY(dequantised(m, x)), args[1], args[2], Value(), Value(), Value::boolean(true),
                  Value::number(0), args[3], Value::boolean(false)}));
  return in_scale(m, schema, args, y, x->dtype);
}

Result<Value> batch_norm(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef x = TRY(quantised_of(m, args[0], schema));
  const Value y = TRY(m.call("aten::batch_norm", {TRY(dequantised(m, x)), args[1], args[2], args[3],
                                                  args[4], Value::boolean(false), Value::number(0),
                                                  args[5], Value::boolean(false)}));
  return in_scale(m, schema, args, TRY(with_relu(m, schema, y)), x->dtype);
}

// In evaluation; PyTorch does not use the scale that it takes.
Result<Value> dropout(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef x = TRY(quantised_of(m, args[0], schema));
  const Value copy = TRY(copy_tensor(m, args[0]));
  return with_quantiser(*copy.get<TensorRef>(), x->quantiser);
}

Result<Value> cat(Machine& m, const Schema& schema, Arguments& args) {
  Arguments reals;
  TensorRef first;
  for (const Value& item : TRY(m.iterate(args[0]))) {
    const TensorRef t = TRY(quantised_of(m, item, schema));
    if (!first) first = t;
    reals.push_back(TRY(dequantised(m, item)));
  }
  if (!first) return m.fail(ErrorKind::bad_file, "a list of tensors is empty", schema.full_name());
  const Value y = TRY(m.call("aten::cat", {m.list(std::move(reals)), args[1]}));
  const Value joined = TRY(with_relu(m, schema, y));
  if (args[2].is_none()) return quantised(m, joined, first->quantiser, first->dtype);
  return in_scale(m, schema, args, joined, first->dtype, "scale", "zero_point");
}

// relu6, threshold, max_pool1d, max_pool2d: PyTorch's operators of that name, which keep the scale.
Result<Value> keeping(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef x = TRY(quantised_of(m, args[0], schema));
  Arguments reals{TRY(dequantised(m, x))};
  for (size_t i = 1; i < args.size(); ++i) {
    if (schema.arguments[i].name != "inplace") reals.push_back(args[i]);
  }
  const Value y = TRY(m.call("aten::" + schema.name.substr(11), std::move(reals)));
  return quantised(m, y, x->quantiser, x->dtype);
}

// --- with a Python number: the scale follows from it, and the integers stay where they can

struct WithNumber {
  TensorRef x;
  double number, scale, point;
  Bounds range;
};
Result<std::optional<WithNumber>> with_number(Machine& m, const Schema& schema,
                                              const Arguments& args) {
  const bool swapped = args[0].is<Dim>() || args[0].is<Float>();
  const TensorRef x = TRY(quantised_of(m, args[swapped ? 1 : 0], schema));
  const Float number = TRY(m.to_float(args[swapped ? 0 : 1]));
  const Quantiser& q = *x->quantiser;
  if (!q.is_known() || !number.is_known() || q.axis >= 0 || x->dtype == DType::i32)
    return std::nullopt;
  return WithNumber{x, number.known, q.scales[0], q.zero_points[0],
                    x->dtype == DType::u8 ? Bounds{0, 255} : Bounds{-128, 127}};
}

Result<Value> add_number(Machine& m, const Schema& schema, Arguments& args) {
  const auto given = TRY(with_number(m, schema, args));
  if (!given) return refuse(m, schema, "the number and the scale must be known");
  const auto& [x, number, scale, point, range] = *given;
  const double steps = std::nearbyint(number / scale), moved = point - steps;
  const double span = range.high - range.low;
  QuantiserRef q = per_tensor(scale, moved);
  if (moved < range.low) q = per_tensor((range.high - moved) / span * scale, range.low);
  if (moved > range.high) q = per_tensor((moved - range.low) / span * scale, range.high);
  const Value y = TRY(m.call("aten::add", {TRY(dequantised(m, x)), Value::number(steps * scale)}));
  return quantised(m, TRY(with_relu(m, schema, y)), q, x->dtype);
}

Result<Value> multiply_number(Machine& m, const Schema& schema, Arguments& args) {
  const auto given = TRY(with_number(m, schema, args));
  if (!given) return refuse(m, schema, "the number and the scale must be known");
  const auto& [x, number, scale, point, range] = *given;
  QuantiserRef q = per_tensor(1, 0);
  if (number > 0) q = per_tensor(number * scale, point);
  if (number < 0) q = per_tensor(-number * scale, range.high - (point - range.low));
  const Value y = TRY(m.call("aten::mul", {TRY(dequantised(m, x)), Value::number(number)}));
  return quantised(m, TRY(with_relu(m, schema, y)), q, x->dtype);
}

}  // namespace

std::span<const Builtin> quantised_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::quantize_per_tensor", quantize_per_tensor},
      {"aten::quantize_per_tensor.tensor_qparams", quantize_per_tensor},
      {"aten::quantize_per_tensor.tensors", quantize_per_tensor},
      {"aten::quantize_per_channel", quantize_per_channel},
      {"aten::quantize_per_tensor_dynamic", quantize_dynamic},
      {"aten::dequantize.self", dequantize},
      {"aten::dequantize.tensor", dequantize},
      {"aten::dequantize.tensors", dequantize},
      {"aten::dequantize.list", dequantize},
      {"aten::dequantize.any", dequantize},
      {"aten::int_repr", int_repr},
      {"aten::q_scale", q_scale},
      {"aten::q_zero_point", q_zero_point},
      {"aten::q_per_channel_scales", q_per_channel<true>},
      {"aten::q_per_channel_zero_points", q_per_channel<false>},
      {"aten::q_per_channel_axis", q_axis},
      {"aten::qscheme", qscheme},
      {"quantized::sigmoid", plain},
      {"quantized::hardswish", plain},
      {"quantized::elu", plain},
      {"quantized::celu", plain},
      {"quantized::leaky_relu", plain},
      {"quantized::prelu", plain},
      {"quantized::softmax", plain},
      {"quantized::layer_norm", plain},
      {"quantized::group_norm", plain},
      {"quantized::add", plain},
      {"quantized::add_relu", plain},
      {"quantized::mul", plain},
      {"quantized::mul_relu", plain},
      {"quantized::matmul", plain},
      {"quantized::instance_norm", instance_norm},
      {"quantized::batch_norm", batch_norm},
      {"quantized::batch_norm_relu", batch_norm},
      {"quantized::batch_norm1d", batch_norm},
      {"quantized::batch_norm1d_relu", batch_norm},
      {"quantized::batch_norm2d", batch_norm},
      {"quantized::batch_norm2d_relu", batch_norm},
      {"quantized::batch_norm3d", batch_norm},
      {"quantized::batch_norm3d_relu", batch_norm},
      {"quantized::dropout", dropout},
      {"quantized::cat", cat},
      {"quantized::cat_relu", cat},
      {"quantized::relu6", keeping},
      {"quantized::threshold", keeping},
      {"quantized::max_pool1d", keeping},
      {"quantized::max_pool2d", keeping},
      {"quantized::add_scalar", add_number},
      {"quantized::add_scalar.Tensor", add_number},
      {"quantized::add_scalar_relu", add_number},
      {"quantized::add_scalar_relu.Tensor", add_number},
      {"quantized::add.Scalar", add_number},
      {"quantized::add.Scalar2", add_number},
      {"quantized::add_relu.Scalar", add_number},
      {"quantized::add_relu.Scalar2", add_number},
      {"quantized::mul_scalar", multiply_number},
      {"quantized::mul_scalar.Tensor", multiply_number},
      {"quantized::mul_scalar_relu", multiply_number},
      {"quantized::mul_scalar_relu.Tensor", multiply_number},
      {"quantized::mul.Scalar", multiply_number},
      {"quantized::mul.Scalar2", multiply_number},
      {"quantized::mul_relu.Scalar", multiply_number},
      {"quantized::mul_relu.Scalar2", multiply_number},
  };
  return kAll;
}

}  // namespace tenon::torch
