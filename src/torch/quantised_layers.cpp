// Layers of quantised tensors whose parameters are packed: convolutions, linear layers, embeddings.
#include "torch/quantised_layers.h"

#include <fmt/format.h>

#include "torch/quantised.h"
#include "torch/views.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

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

std::span<const Builtin> layer_builtins() {
  static constexpr Builtin kAll[] = {
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
      {"quantized::embedding_byte", embedding},
      {"quantized::embedding_bag_byte", embedding_bag},
      {"quantized::embedding_bag_prepack", embedding_prepack},
      {"quantized::embedding_bag_unpack", embedding_unpack},
  };
  return kAll;
}

}  // namespace tenon::torch
