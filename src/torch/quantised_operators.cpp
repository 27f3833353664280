// PyTorch's operators of quantised tensors: quantize and dequantize, and the namespace quantized.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/reduce/reduce.h"
#include "torch/quantised.h"
#include "torch/quantised_layers.h"
#include "torch/views.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

// The argument of this name; None where the overload has none.
Value argument(const Schema& schema, const Arguments& arguments, std::string_view name) {
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    if (schema.arguments[i].name == name) return arguments[i];
  }
  return {};
}

Result<TensorRef> tensor_of(Machine& m, const Value& value) {
  if (const TensorRef* t = value.get<TensorRef>()) return *t;
  return m.fail(ErrorKind::bad_file, "a tensor is needed", "the value is of kind " + value.kind());
}
Result<TensorRef> quantised_of(Machine& m, const Value& value, const Schema& schema) {
  const TensorRef t = TRY(tensor_of(m, value));
  if (t->quantiser) return t;
  return m.fail(ErrorKind::bad_file, schema.full_name() + " needs a quantised tensor",
                "its argument is not quantised");
}

Value refuse(Machine& m, const Schema& schema, const std::string& why,
             const std::string& hint = "dequantise its arguments: x.dequantize()") {
  const Value poison = m.unsupported("unsupported operator " + schema.full_name(), why, hint);
  if (schema.returns.size() <= 1) return poison;
  return Value::tuple(Arguments(schema.returns.size(), poison));
}

bool ends_with_relu(const Schema& schema) {
  return !schema.name.ends_with("leaky_relu") &&
         (schema.name.ends_with("_relu") || schema.name.find("_relu_") != std::string::npos);
}

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

// x quantised to u8 by its own range: what a dynamically quantised layer computes with.
Result<Value> rounded(Machine& m, const Value& x, bool reduce_range) {
  const TensorRef t = TRY(tensor_of(m, x));
  ir::Value* value = TRY(m.read_as(*t, DType::f32));
  const QuantiserRef q = chosen(m, value, {0, reduce_range ? 127.0 : 255.0}, DType::u8);
  return quantised(m, m.tensor(value), q, DType::u8);
}

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

// --- layers with packed parameters

Result<Value> with_relu(Machine& m, const Schema& schema, Value value) {
  if (!ends_with_relu(schema)) return value;
  return m.call("aten::relu", {std::move(value)});
}

// The result of an operator in its scale and zero point, the arguments of these names.
Result<Value> in_scale(Machine& m, const Schema& schema, const Arguments& args, const Value& real,
                       DType dtype, std::string_view scale = "output_scale",
                       std::string_view point = "output_zero_point") {
  if (real.is<Poison>()) return real;
  const QuantiserRef q =
      TRY(per_tensor(m, argument(schema, args, scale), argument(schema, args, point), dtype));
  return quantised(m, real, q, dtype);
}

Value integers(Machine& m, std::vector<int64_t> values) {
  Arguments out;
  for (const int64_t n : values) out.push_back(Value::integer(n));
  return m.list(std::move(out));
}

// A layer of one dimension is packed as one of two, the first of size 1.
Result<PackedConv> of_one_dimension(Machine& m, PackedConv conv) {
  for (auto* list : {&conv.stride, &conv.padding, &conv.output_padding, &conv.dilation}) {
    if (list->size() == 2) list->erase(list->begin());
  }
  if (conv.weight->sizes.size() != 4) return conv;
  ir::Value* weight = TRY(m.read(*conv.weight));
  const auto dims = ir::constant_dims(conv.weight->sizes);
  if (!weight->constant || !dims || (*dims)[2] != 1)
    return m.fail(ErrorKind::unsupported, "cannot convert a convolution of one dimension",
                  "its packed weight is not constant");
  const Dims shape{(*dims)[0], (*dims)[1], (*dims)[3]};
  const Value made = m.parameter(weight->constant->reshaped(shape), {}, weight->name);
  conv.weight = with_quantiser(*made.get<TensorRef>(), conv.weight->quantiser);
  return conv;
}

Result<Value> convolved(Machine& m, const PackedConv& conv, const Value& x) {
  const std::string op =
      fmt::format("aten::conv{}{}d", conv.transposed ? "_transpose" : "", conv.stride.size());
  Arguments arguments{x, TRY(dequantised(m, conv.weight)), conv.bias, integers(m, conv.stride),
                      integers(m, conv.padding)};
  if (conv.transposed) arguments.push_back(integers(m, conv.output_padding));
  const Value groups = Value::integer(conv.groups), dilation = integers(m, conv.dilation);
  arguments.push_back(conv.transposed ? groups : dilation);
  arguments.push_back(conv.transposed ? dilation : groups);
  return m.call(op, std::move(arguments));
}

// conv1d, conv2d, conv3d, transposed ones, with a sum or an activation, dynamic ones.
Result<Value> conv(Machine& m, const Schema& schema, Arguments& args) {
  const bool legacy = !argument(schema, args, "stride").is_none();
  const Value object = argument(schema, args, legacy ? "weight" : "packed_weight");
  PackedConv packed = TRY(packed_conv(m, object));
  if (schema.name.find("1d") != std::string::npos)
    packed = TRY(of_one_dimension(m, std::move(packed)));
  if (schema.name.ends_with("_dynamic")) {
    const bool reduce =
        m.decide(TRY(m.to_bool(argument(schema, args, "reduce_range")))).value_or(false);
    const Value x = TRY(rounded(m, args[0], reduce));
    // PyTorch gives the result the scale of the input, whatever it loses by that.
    const Value y = TRY(convolved(m, packed, TRY(dequantised(m, x))));
    return dequantised(m, TRY(quantised(m, y, (*x.get<TensorRef>())->quantiser, DType::u8)));
  }
  const TensorRef x = TRY(quantised_of(m, args[0], schema));
  Value y = TRY(convolved(m, packed, TRY(dequantised(m, x))));
  if (const Value other = argument(schema, args, "qaccum"); !other.is_none())
    y = TRY(m.call("aten::add", {y, TRY(dequantised(m, other))}));
  return in_scale(m, schema, args, TRY(with_relu(m, schema, y)), x->dtype);
}

Result<Value> conv_prepack(Machine& m, const Schema& schema, Arguments& args) {
  PackedConv out;
  out.weight = TRY(quantised_of(m, args[0], schema));
  out.bias = args[1];
  auto numbers = [&](std::string_view name) -> Result<std::vector<int64_t>> {
    std::vector<int64_t> all;
    const Value list = argument(schema, args, name);
    if (list.is_none()) return all;
    for (const Value& item : TRY(m.iterate(list)))
      all.push_back(TRY(m.to_constant_int(item, "a number of a convolution")));
    return all;
  };
  out.stride = TRY(numbers("stride"));
  out.padding = TRY(numbers("padding"));
  out.dilation = TRY(numbers("dilation"));
  out.output_padding = TRY(numbers("output_padding"));
  out.transposed = schema.name.find("transpose") != std::string::npos;
  if (out.output_padding.empty()) out.output_padding.assign(out.stride.size(), 0);
  out.groups = TRY(m.to_constant_int(argument(schema, args, "groups"), "the number of groups"));
  return packed(m, out);
}

Result<Value> conv_unpack(Machine& m, const Schema&, Arguments& args) {
  const PackedConv conv = TRY(packed_conv(m, args[0]));
  return Value::tuple({conv.weight, conv.bias});
}

Result<Value> linear_prepack(Machine& m, const Schema&, Arguments& args) {
  return packed(m, "quantized.LinearPackedParamsBase", Value::tuple({args[0], args[1]}));
}
// The weight rounded to half precision, which the layer keeps.
Result<Value> linear_prepack_fp16(Machine& m, const Schema&, Arguments& args) {
  const Value half = TRY(convert_tensor(m, TRY(tensor_of(m, args[0])), DType::f16, false));
  return packed(
      m, "quantized.LinearPackedParamsBase",
      Value::tuple({TRY(convert_tensor(m, *half.get<TensorRef>(), DType::f32, false)), args[1]}));
}
Result<Value> linear_unpack(Machine& m, const Schema&, Arguments& args) {
  const PackedLinear linear = TRY(packed_linear(m, args[0]));
  return Value::tuple({linear.weight, linear.bias});
}

Result<Value> applied(Machine& m, const PackedLinear& linear, const Value& x) {
  return m.call("aten::linear", {x, TRY(dequantised(m, linear.weight)), linear.bias});
}

Result<Value> linear(Machine& m, const Schema& schema, Arguments& args) {
  const PackedLinear packed = TRY(packed_linear(m, argument(schema, args, "W_prepack")));
  const TensorRef x = TRY(quantised_of(m, args[0], schema));
  Value y = TRY(applied(m, packed, TRY(dequantised(m, x))));
  if (schema.name.ends_with("_leaky_relu"))
    y = TRY(m.call("aten::leaky_relu", {y, argument(schema, args, "negative_slope")}));
  else if (schema.name.ends_with("_tanh"))
    y = TRY(m.call("aten::tanh", {y}));
  else
    y = TRY(with_relu(m, schema, y));
  return in_scale(m, schema, args, y, x->dtype, "Y_scale_i", "Y_zero_point_i");
}

}  // namespace

Result<Value> dynamic_linear(Machine& m, const PackedLinear& linear, const Value& x,
                             bool reduce_range) {
  if (!linear.weight->quantiser) return applied(m, linear, x);
  return applied(m, linear, TRY(dequantised(m, TRY(rounded(m, x, reduce_range)))));
}

namespace {

Result<Value> linear_dynamic(Machine& m, const Schema& schema, Arguments& args) {
  const PackedLinear packed = TRY(packed_linear(m, argument(schema, args, "W_prepack")));
  const Value reduce = argument(schema, args, "reduce_range");
  const bool reduced = !reduce.is_none() && m.decide(TRY(m.to_bool(reduce))).value_or(false);
  return with_relu(m, schema, TRY(dynamic_linear(m, packed, args[0], reduced)));
}

// linear_with_input_q_dq_qweight_dq_output_fp32 and its like: x is rounded to a given scale.
Result<Value> linear_rounded(Machine& m, const Schema& schema, Arguments& args) {
  const PackedLinear packed = TRY(packed_linear(m, argument(schema, args, "W_prepack")));
  const QuantiserRef q = TRY(per_tensor(m, args[1], args[2], DType::u8));
  const Value x = TRY(dequantised(m, TRY(quantised(m, args[0], q, DType::u8))));
  return with_relu(m, schema, TRY(applied(m, packed, x)));
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

// --- embeddings

Result<Value> embedding(Machine& m, const Schema&, Arguments& args) {
  const TensorRef weight = TRY(packed_embedding(m, args[0]));
  // Rows of integers, then what they stand for.
  const Quantiser& q = *weight->quantiser;
  auto rows = [&](const std::vector<double>& values) -> Result<Value> {
    const Tensor all =
        Tensor::of<double>(DType::f64, {static_cast<int64_t>(values.size()), 1}, values);
    const Value table = m.tensor(m.builder.cast(m.builder.constant(all), DType::f32));
    return m.call("aten::embedding", {table, args[1]});
  };
  std::vector<double> offsets;
  for (size_t i = 0; i < q.scales.size(); ++i)
    offsets.push_back(static_cast<double>(-static_cast<float>(q.zero_points[i]) *
                                          static_cast<float>(q.scales[i])));
  const Value integers = TRY(m.call("aten::embedding", {with_quantiser(weight, nullptr), args[1]}));
  const Value steps = TRY(convert_tensor(m, *integers.get<TensorRef>(), DType::f32, false));
  const Value scaled = TRY(m.call("aten::mul", {steps, TRY(rows(q.scales))}));
  return m.call("aten::add", {scaled, TRY(rows(offsets))});
}

Result<Value> embedding_bag(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef weight = TRY(packed_embedding(m, args[0]));
  if (!argument(schema, args, "compressed_indices_mapping").is_none())
    return refuse(m, schema, "rows that were pruned away are not converted",
                  "quantise without pruning");
  // These operators always sum, whatever the mode says.
  const Value bags = TRY(m.call(
      "aten::embedding_bag",
      {TRY(dequantised(m, weight)), args[1], args[2], Value::boolean(false), Value::integer(0),
       Value::boolean(false), argument(schema, args, "per_sample_weights"),
       argument(schema, args, "include_last_offset")}));
  const auto* items = m.items(bags);
  return items && !items->empty() ? (*items)[0] : bags;
}

Result<Value> embedding_prepack(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef weight = TRY(quantised_of(m, args[0], schema));
  return packed(m, "quantized.EmbeddingPackedParamsBase",
                Value::tuple({Value::integer(1), m.list({Value(weight)}), m.list({}),
                              m.list({Value::integer(8)})}));
}
Result<Value> embedding_unpack(Machine& m, const Schema&, Arguments& args) {
  return TRY(packed_embedding(m, args[0]));
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
      {"quantized::conv1d", conv},
      {"quantized::conv2d.new", conv},
      {"quantized::conv3d.new", conv},
      {"quantized::conv2d", conv},
      {"quantized::conv3d", conv},
      {"quantized::conv1d_relu", conv},
      {"quantized::conv2d_relu.new", conv},
      {"quantized::conv3d_relu.new", conv},
      {"quantized::conv2d_relu", conv},
      {"quantized::conv3d_relu", conv},
      {"quantized::conv2d_add", conv},
      {"quantized::conv2d_add_relu", conv},
      {"quantized::conv_transpose1d", conv},
      {"quantized::conv_transpose2d", conv},
      {"quantized::conv_transpose3d", conv},
      {"quantized::conv1d_dynamic", conv},
      {"quantized::conv2d_dynamic", conv},
      {"quantized::conv3d_dynamic", conv},
      {"quantized::conv_transpose1d_dynamic", conv},
      {"quantized::conv_transpose2d_dynamic", conv},
      {"quantized::conv_transpose3d_dynamic", conv},
      {"quantized::conv_prepack", conv_prepack},
      {"quantized::conv1d_prepack", conv_prepack},
      {"quantized::conv2d_prepack", conv_prepack},
      {"quantized::conv3d_prepack", conv_prepack},
      {"quantized::conv_transpose1d_prepack", conv_prepack},
      {"quantized::conv_transpose2d_prepack", conv_prepack},
      {"quantized::conv_transpose3d_prepack", conv_prepack},
      {"quantized::conv_unpack", conv_unpack},
      {"quantized::conv1d_unpack", conv_unpack},
      {"quantized::conv2d_unpack", conv_unpack},
      {"quantized::conv3d_unpack", conv_unpack},
      {"quantized::conv_transpose1d_unpack", conv_unpack},
      {"quantized::conv_transpose2d_unpack", conv_unpack},
      {"quantized::conv_transpose3d_unpack", conv_unpack},
      {"quantized::linear", linear},
      {"quantized::linear_relu", linear},
      {"quantized::linear_leaky_relu", linear},
      {"quantized::linear_tanh", linear},
      {"quantized::linear_dynamic", linear_dynamic},
      {"quantized::linear_relu_dynamic", linear_dynamic},
      {"quantized::linear_dynamic_fp16", linear_dynamic},
      {"quantized::linear_relu_dynamic_fp16", linear_dynamic},
      {"quantized::linear_with_input_q_dq_qweight_dq_output_fp32", linear_rounded},
      {"quantized::linear_with_input_q_dq_qweight_dq_relu_output_fp32", linear_rounded},
      {"quantized::linear_prepack", linear_prepack},
      {"quantized::linear_prepack_fp16", linear_prepack_fp16},
      {"quantized::linear_unpack", linear_unpack},
      {"quantized::linear_unpack_fp16", linear_unpack},
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
      {"quantized::embedding_byte", embedding},
      {"quantized::embedding_bag_byte", embedding_bag},
      {"quantized::embedding_bag_prepack", embedding_prepack},
      {"quantized::embedding_bag_unpack", embedding_unpack},
  };
  return kAll;
}

}  // namespace tenon::torch
