// Operators that ask about tensors, make new ones, or write to them.
#include <fmt/format.h>

#include "torch/machine.h"
#include "torch/views.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

Result<Value> size(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (args.size() > 1) {
    const int64_t axis = TRY(m.to_constant_int(args[1], "a dimension"));
    return t->sizes[TRY(ir::normalize_axis(axis, t->sizes.size()))];
  }
  return m.list(std::vector<Value>(t->sizes.begin(), t->sizes.end()));
}
Result<Value> stride(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (args.size() > 1)
    return t->strides[TRY(
        ir::normalize_axis(TRY(m.to_constant_int(args[1], "a dimension")), t->sizes.size()))];
  return m.list(std::vector<Value>(t->strides.begin(), t->strides.end()));
}
Result<Value> rank(Machine& m, const Schema&, Arguments& args) {
  return Value::integer(static_cast<int64_t>(TRY(tensor_of(m, args[0]))->sizes.size()));
}
Result<Value> count(Machine& m, const Schema&, Arguments& args) {
  return ir::product(TRY(tensor_of(m, args[0]))->sizes);
}
// The elements as nested lists of numbers, from this dimension on.
Result<Value> nested_list(Machine& m, const Value& value) {
  const TensorRef t = TRY(tensor_of(m, value));
  if (t->sizes.empty()) return m.call("aten::item", {value});
  const auto size = t->sizes[0].constant();
  constexpr int64_t kMost = 4096;
  if (!size || *size > kMost)
    return m.fail(ErrorKind::unsupported, "tolist of a tensor whose size is not known or large",
                  fmt::format("its first dimension is {}", t->sizes[0].str()),
                  "compute with the tensor itself");
  std::vector<Value> items;
  for (int64_t i = 0; i < *size; ++i)
    items.push_back(TRY(nested_list(
        m, TRY(m.call("aten::select", {value, Value::integer(0), Value::integer(i)})))));
  return m.list(std::move(items));
}
Result<Value> to_list(Machine& m, const Schema&, Arguments& args) {
  return nested_list(m, args[0]);
}

Result<Value> shape_tensor(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  return m.known_tensor(DType::i64, {static_cast<int64_t>(t->sizes.size())},
                        std::vector<Scalar>(t->sizes.begin(), t->sizes.end()));
}
Result<Value> dtype(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  // Quantised types have numbers of their own: qint8, quint8, qint32.
  if (t->quantiser)
    return Value::integer(t->dtype == DType::i8 ? 12 : t->dtype == DType::u8 ? 13 : 14);
  return Value::integer(scalar_type_of_dtype(t->dtype));
}
Result<Value> is_quantized(Machine& m, const Schema&, Arguments& args) {
  return Value::boolean(TRY(tensor_of(m, args[0]))->quantiser != nullptr);
}
Result<Value> device(Machine&, const Schema&, Arguments&) { return Device{"cpu"}; }
Result<Value> device_type(Machine& m, const Schema&, Arguments& args) {
  const Device* d = args[0].get<Device>();
  return d ? d->name.substr(0, d->name.find(':')) : m.to_text(args[0]);
}
Result<Value> make_device(Machine& m, const Schema&, Arguments& args) {
  return Device{m.to_text(args[0])};
}
Result<Value> layout(Machine&, const Schema&, Arguments&) { return Value::integer(0); }
Result<Value> is_floating(Machine& m, const Schema&, Arguments& args) {
  return Value::boolean(tenon::is_floating(TRY(tensor_of(m, args[0]))->dtype));
}
Result<Value> is_complex(Machine& m, const Schema&, Arguments& args) {
  return Value::boolean(tenon::is_complex(TRY(tensor_of(m, args[0]))->dtype));
}
Result<Value> is_contiguous(Machine& m, const Schema&, Arguments& args) {
  return Value::boolean(m.is_contiguous(*TRY(tensor_of(m, args[0]))));
}
Result<Value> yes(Machine&, const Schema&, Arguments&) { return Value::boolean(true); }
Result<Value> no(Machine&, const Schema&, Arguments&) { return Value::boolean(false); }
Result<Value> cpu_dispatch(Machine&, const Schema&, Arguments&) { return Value::boolean(false); }

Result<Value> number_to_tensor(Machine& m, const Schema&, Arguments& args) {
  if (args[0].is<TensorRef>()) return args[0];
  if (args[0].is<Complex>()) return m.tensor(TRY(m.scalar_value(args[0], DType::c64)), true);
  const auto scalar = to_scalar(args[0]);
  if (!scalar) {
    const Bool b = TRY(m.to_bool(args[0]));
    return m.tensor(TRY(m.bool_value(b)));
  }
  const DType type = args[0].is<Dim>()    ? DType::i64
                     : args[0].is<Bool>() ? DType::boolean
                                          : DType::f32;
  if (const Float* f = std::get_if<Float>(&*scalar); f && f->computed)
    return m.tensor(m.builder.cast(f->computed, type));
  return m.known_tensor(type, {}, {*scalar});
}

Status flatten_list(Machine& m, const Value& value, std::vector<Value>& out, Dims& shape,
                    size_t depth) {
  if (const auto* items = m.items(value)) {
    const std::vector<Value> copy = *items;
    if (shape.size() <= depth) shape.push_back(static_cast<int64_t>(copy.size()));
    if (shape[depth] != static_cast<int64_t>(copy.size()))
      return m.fail(ErrorKind::bad_file, "a nested list is ragged", m.to_text(value));
    for (const Value& item : copy) TRY(flatten_list(m, item, out, shape, depth + 1));
  } else {
    out.push_back(value);
  }
  return {};
}

// torch.tensor(data): numbers, lists of numbers, nested.
Result<Value> make_tensor(Machine& m, const Schema& schema, Arguments& args) {
  if (args[0].is<TensorRef>()) return convert_tensor(m, *args[0].get<TensorRef>(), {}, true);
  std::vector<Value> flat;
  Dims shape;
  TRY(flatten_list(m, args[0], flat, shape, 0));
  DType type = DType::boolean;
  for (const Value& v : flat) {
    if (v.is<Complex>() || type == DType::c64)
      type = DType::c64;
    else if (v.is<Float>())
      type = DType::f32;
    else if (!v.is<Bool>() && type == DType::boolean)
      type = DType::i64;
  }
  if (flat.empty()) type = DType::f32;
  for (size_t i = 1; i < args.size(); ++i) {
    if (schema.arguments[i].name == "dtype" && !args[i].is_none())
      type = dtype_of_scalar_type(TRY(m.to_constant_int(args[i], "a dtype")));
  }
  std::vector<Scalar> elements;
  const bool complex = tenon::is_complex(type);
  bool symbolic = complex;
  for (const Value& v : flat) {
    const auto scalar = to_scalar(v);
    symbolic = symbolic || !scalar || std::holds_alternative<Float>(*scalar);
    if (scalar) elements.push_back(*scalar);
  }
  if (flat.empty()) return m.uninitialised(type, ir::to_shape(shape));
  if (!symbolic) return m.known_tensor(type, ir::to_shape(shape), std::move(elements));
  std::vector<ir::Value*> parts;
  for (const Value& v : flat)
    parts.push_back(
        m.builder.emit_named("Unsqueeze", {TRY(m.scalar_value(v, type)), m.builder.ints({0})}));
  ir::Value* whole =
      parts.size() == 1 ? parts[0] : m.builder.emit_with("Concat", {{"axis", int64_t{0}}}, parts);
  if (complex) shape.push_back(2);
  whole =
      m.builder.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {whole, m.builder.ints(shape)});
  TRY(m.builder.status());
  return m.tensor(whole, complex);
}

// The dtype that a factory is asked for: its argument, the tensor that it is like, or the fallback.
Result<DType> wanted_dtype(Machine& m, const Schema& schema, const Arguments& args,
                           DType fallback) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (schema.arguments[i].name == "dtype" && !args[i].is_none())
      return dtype_of_scalar_type(TRY(m.to_constant_int(args[i], "a dtype")));
  }
  return fallback;
}

Result<Value> filled(Machine& m, const Shape& shape, const Value& fill, DType type) {
  const bool complex = tenon::is_complex(type);
  const auto scalar = complex ? std::nullopt : to_scalar(fill);
  const auto elements = ir::product(shape).constant();
  if (scalar && !std::holds_alternative<Float>(*scalar) && elements && *elements <= 16 &&
      ir::constant_dims(shape)) {
    return m.known_tensor(type, shape,
                          std::vector<Scalar>(static_cast<size_t>(*elements), *scalar));
  }
  ir::Value* value = TRY(m.scalar_value(fill, type));
  if (!shape.empty()) {
    Shape whole = shape;
    if (complex) whole.emplace_back(2);
    value = m.builder.emit_named("Expand", {value, m.builder.shape(whole)});
    value->type.shape = whole;
  }
  TRY(m.builder.status());
  return m.tensor(value, complex);
}

Result<Value> scalar_tensor(Machine& m, const Schema& schema, Arguments& args) {
  const DType type = TRY(wanted_dtype(m, schema, args, DType::f32));
  if (type == DType::undefined)
    return m.fail(ErrorKind::unsupported, "a dtype has no form in ONNX", "of a new tensor");
  return filled(m, {}, args[0], type);
}

// zeros, ones, full, empty and their _like and new_ forms: where the shape comes from, what fills
// it.
enum class From : uint8_t { argument, like };
template <From from, int fill>  // fill: 0, 1, 2 = the argument "fill_value", 3 = nothing
Result<Value> factory(Machine& m, const Schema& schema, Arguments& args) {
  Shape shape;
  DType fallback = DType::f32;
  Value value = Value::integer(fill == 1 ? 1 : 0);
  const TensorRef* like = args[0].get<TensorRef>();
  if (like) fallback = (*like)->dtype;
  if (from == From::like) {
    shape = TRY(tensor_of(m, args[0]))->sizes;
  } else {
    for (size_t i = 0; i < args.size(); ++i) {
      if (schema.arguments[i].name == "size") shape = TRY(m.to_shape(args[i]));
    }
  }
  if (fill == 2) {
    for (size_t i = 0; i < args.size(); ++i) {
      if (schema.arguments[i].name == "fill_value") value = args[i];
    }
    if (!like)
      fallback = value.is<Dim>()       ? DType::i64
                 : value.is<Bool>()    ? DType::boolean
                 : value.is<Complex>() ? DType::c64
                                       : DType::f32;
  }
  TRY(check_sizes(m, shape));
  const DType type = TRY(wanted_dtype(m, schema, args, fallback));
  if (type == DType::undefined)
    return m.fail(ErrorKind::unsupported, "a dtype has no form in ONNX", "of a new tensor");
  if (fill == 3) return m.uninitialised(type, shape);
  return filled(m, shape, value, type);
}

Result<Value> arange(Machine& m, const Schema& schema, Arguments& args) {
  Value start = Value::integer(0), stop, step = Value::integer(1);
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& name = schema.arguments[i].name;
    if (name == "start") start = args[i];
    if (name == "end") stop = args[i];
    if (name == "step") step = args[i];
  }
  const bool ints = start.is<Dim>() && stop.is<Dim>() && step.is<Dim>();
  const DType type = TRY(wanted_dtype(m, schema, args, ints ? DType::i64 : DType::f32));
  if (ints && step.get<Dim>()->is_constant() && !step.get<Dim>()->is(0)) {
    const Dim a = *start.get<Dim>(), b = *stop.get<Dim>(), s = *step.get<Dim>();
    const Dim length = *s.constant() > 0 ? ir::ceildiv(b - a, s) : ir::ceildiv(a - b, -s);
    if (auto n = length.constant(); n && *n <= 64 && a.is_constant()) {
      std::vector<Scalar> elements;
      for (int64_t i = 0; i < *n; ++i) {
        if (tenon::is_floating(type))
          elements.emplace_back(static_cast<double>(*(a + s * Dim(i)).constant()));
        else
          elements.emplace_back(a + s * Dim(i));
      }
      return m.known_tensor(type, {std::max<int64_t>(*n, 0)}, std::move(elements));
    }
    ir::Value* range =
        m.builder.emit_named("Range", {m.builder.dim(a), m.builder.dim(b), m.builder.dim(s)});
    TRY(m.builder.status());
    const auto bounds = length.bounds(m.ranges());
    range->type.shape = Shape(1, bounds.min >= 0 ? length : ir::max(length, 0));
    range->contents.reset();
    return m.tensor(m.builder.cast(range, type));
  }
  const DType compute =
      tenon::is_floating(type) && type != DType::f16 && type != DType::bf16 ? type : DType::f32;
  ir::Value* range = m.builder.emit_named(
      "Range", {TRY(m.scalar_value(start, compute)), TRY(m.scalar_value(stop, compute)),
                TRY(m.scalar_value(step, compute))});
  TRY(m.builder.status());
  return m.tensor(m.builder.cast(range, type));
}

// --- writes

Result<Value> fill(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  TRY(m.write(*t, TRY(m.scalar_value(args[1], t->dtype))));
  return t;
}
Result<Value> zero(Machine& m, const Schema& schema, Arguments& args) {
  Arguments both{args[0], Value::integer(0)};
  return fill(m, schema, both);
}
Result<Value> copy(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  TRY(m.write(*t, TRY(m.scalar_value(args[1], t->dtype))));
  return t;
}
// copy(self, source) as a new tensor.
Result<Value> copied(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const TensorRef from =
      *TRY(convert_tensor(m, TRY(tensor_of(m, args[1])), t->dtype, true)).get<TensorRef>();
  return expand_tensor(m, from, t->sizes);
}
// fill(self, value) as a new tensor.
Result<Value> filled_like(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  return filled(m, t->sizes, args[1], t->dtype);
}

Result<Value> set_data(Machine& m, const Schema& schema, Arguments&) {
  return m.unsupported("unsupported operator " + schema.full_name(),
                       "it makes a tensor hold other memory", "assign the attribute instead");
}

Result<Value> native_dropout(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const Value train = args[2].is_none() ? Value::boolean(true) : args[2];
  const Value out = TRY(m.call("aten::dropout", {args[0], args[1], train}));
  return Value::tuple({out, TRY(filled(m, t->sizes, Value::boolean(true), DType::boolean))});
}

// The counts, and a list of the edges in each dimension: two operators that give one each.
Result<Value> histogramdd(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const Value &range = args[2], &weight = args[3], &density = args[4];
  if (schema.overload == "TensorList_bins") {
    const Value counts = TRY(m.call("aten::_histogramdd_from_bin_tensors", {args[0], args[1]},
                                    {{"weight", weight}, {"density", density}}));
    return Value::tuple({counts, args[1]});
  }
  Value bins = args[1];
  if (m.items(bins) == nullptr) {
    const int64_t n =
        t->sizes.empty() ? 0 : TRY(m.to_constant_int(t->sizes.back(), "the dimensions of a point"));
    bins = m.list(std::vector<Value>(static_cast<size_t>(std::min<int64_t>(n, 64)), bins));
  }
  const std::vector<std::pair<std::string, Value>> options{
      {"range", range}, {"weight", weight}, {"density", density}};
  const Value counts = TRY(m.call("aten::_histogramdd_from_bin_cts", {args[0], bins}, options));
  return Value::tuple(
      {counts, TRY(m.call("aten::_histogramdd_bin_edges", {args[0], bins}, options))});
}

}  // namespace

std::span<const Builtin> tensor_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::size.*", size},
      {"aten::size", size},
      {"aten::sym_size.*", size},
      {"aten::stride.*", stride},
      {"aten::sym_stride.*", stride},
      {"aten::dim", rank},
      {"aten::ndimension", rank},
      {"aten::numel", count},
      {"aten::sym_numel", count},
      {"aten::_shape_as_tensor", shape_tensor},
      {"prim::shape", size},
      {"prim::dtype", dtype},
      {"prim::device", device},
      {"prim::type", device_type},
      {"aten::device", make_device},
      {"prim::layout", layout},
      {"aten::is_floating_point", is_floating},
      {"aten::is_complex", is_complex},
      {"aten::is_contiguous", is_contiguous},
      {"prim::is_cuda", no},
      {"prim::is_cpu", yes},
      {"prim::is_mkldnn", no},
      {"prim::is_quantized", is_quantized},
      {"prim::is_sparse", no},
      {"prim::is_meta", no},
      {"prim::is_xla", no},
      {"prim::is_mps", no},
      {"prim::is_vulkan", no},
      {"prim::is_xpu", no},
      {"prim::is_sparse_csr", no},
      {"prim::is_ort", no},
      {"prim::is_ipu", no},
      {"prim::is_maia", no},
      {"prim::is_hpu", no},
      {"prim::is_mtia", no},
      {"prim::requires_grad", no},
      {"aten::requires_grad", no},
      {"aten::is_leaf", yes},
      {"aten::is_cuda", no},
      {"aten::cudnn_is_acceptable", cpu_dispatch},
      {"aten::is_inference", no},
      {"aten::is_neg", no},
      {"prim::NumToTensor.*", number_to_tensor},
      {"aten::scalar_tensor", scalar_tensor},
      {"aten::tensor.*", make_tensor},
      {"aten::tensor", make_tensor},
      {"aten::as_tensor.*", make_tensor},
      {"aten::as_tensor", make_tensor},
      {"aten::zeros", factory<From::argument, 0>},
      {"aten::ones", factory<From::argument, 1>},
      {"aten::full", factory<From::argument, 2>},
      {"aten::empty.memory_format", factory<From::argument, 3>},
      {"aten::zeros_like", factory<From::like, 0>},
      {"aten::ones_like", factory<From::like, 1>},
      {"aten::full_like", factory<From::like, 2>},
      {"aten::empty_like", factory<From::like, 3>},
      {"aten::new_zeros", factory<From::argument, 0>},
      {"aten::new_ones", factory<From::argument, 1>},
      {"aten::new_full", factory<From::argument, 2>},
      {"aten::new_empty", factory<From::argument, 3>},
      {"aten::empty_strided", factory<From::argument, 3>},
      {"aten::new_empty_strided", factory<From::argument, 3>},
      {"aten::empty_permuted", factory<From::argument, 3>},
      {"aten::arange", arange},
      {"aten::arange.start", arange},
      {"aten::arange.start_step", arange},
      {"aten::fill_.Scalar", fill},
      {"aten::fill_.Tensor", fill},
      {"aten::zero_", zero},
      {"aten::copy_", copy},
      {"aten::copy", copied},
      {"aten::copy_.*", copy},
      {"aten::fill.Scalar", filled_like},
      {"aten::fill.Tensor", filled_like},
      {"aten::set_.*", set_data},
      {"aten::resize_", set_data},
      {"aten::native_dropout", native_dropout},
      {"prim::tolist", to_list},
      {"aten::histogramdd", histogramdd},
      {"aten::histogramdd.int_bins", histogramdd},
      {"aten::histogramdd.TensorList_bins", histogramdd},
  };
  return kAll;
}

}  // namespace tenon::torch
