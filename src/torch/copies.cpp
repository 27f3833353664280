// Copies of tensors, and the same tensor under another type, memory format or name.
#include <fmt/format.h>

#include <algorithm>

#include "torch/views.h"

namespace tenon::torch {

using Arguments = std::vector<Value>;

namespace {

// clone() and to() keep the strides of a tensor that fills its memory.
Value with_strides_of(Machine& m, const TensorRef& from, const Value& value) {
  if (!from->strides_unsure && m.is_contiguous(*from)) return value;
  AbstractTensor out = **value.get<TensorRef>();
  out.strides_unsure = true;
  return std::make_shared<const AbstractTensor>(std::move(out));
}

}  // namespace

Result<Value> copy_tensor(Machine& m, const Value& tensor) {
  const TensorRef t = TRY(tensor_of(m, tensor));
  if (auto known = m.known(*t)) return m.known_tensor(t->dtype, t->sizes, *known);
  return m.tensor(TRY(m.read(*t)), is_complex(t->dtype));
}

Result<TensorRef> canvas(Machine& m, const Value& value) {
  const TensorRef t = TRY(tensor_of(m, value));
  const Storage& storage = m.state.storages[t->storage];
  const bool blank = storage.uninitialised && storage.value == nullptr && !storage.known;
  return *(blank ? m.uninitialised(t->dtype, t->sizes) : TRY(copy_tensor(m, t))).get<TensorRef>();
}

Result<Value> with_part(Machine& m, const TensorRef& whole, const Value& part,
                        const Value& source) {
  const TensorRef& to = *part.get<TensorRef>();
  TRY(m.write(*to, TRY(m.read_as(*TRY(tensor_of(m, source)), to->dtype))));
  return whole;
}

Result<Value> convert_tensor(Machine& m, const TensorRef& t, std::optional<DType> dtype,
                             bool copy) {
  if (!dtype || *dtype == t->dtype) {
    if (copy) return with_strides_of(m, t, TRY(copy_tensor(m, t)));
    return t;
  }
  if (*dtype == DType::undefined)
    return m.fail(ErrorKind::unsupported, "a dtype has no form in ONNX", "in a conversion");
  if (auto known = m.known(*t); known && !is_complex(*dtype)) {
    const bool ints = is_integral(t->dtype) && is_integral(*dtype);
    bool all_known = true;
    for (const Scalar& s : *known) {
      if (const Dim* d = std::get_if<Dim>(&s)) all_known = all_known && d->is_constant();
    }
    if (ints) return m.known_tensor(*dtype, t->sizes, *known);
    if (!all_known && is_floating(*dtype) && known->size() == 1) {
      return m.known_tensor(*dtype, t->sizes,
                            {Float{0, std::get<Dim>((*known)[0]), 1, 0, nullptr}});
    }
    if (all_known && is_floating(*dtype)) {
      std::vector<Scalar> converted;
      for (const Scalar& s : *known) {
        if (const Dim* d = std::get_if<Dim>(&s))
          converted.emplace_back(static_cast<double>(*d->constant()));
        else if (const bool* b = std::get_if<bool>(&s))
          converted.emplace_back(*b ? 1.0 : 0.0);
        else
          converted.push_back(s);  // a float stays what it is
      }
      return m.known_tensor(*dtype, t->sizes, std::move(converted));
    }
  }
  return with_strides_of(m, t, m.tensor(TRY(m.read_as(*t, *dtype)), is_complex(*dtype)));
}

namespace {

Result<Value> slice_scatter(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(canvas(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[2], t));
  const Value part = TRY(slice_tensor(m, t, axis, args[3], args[4],
                                      TRY(m.to_constant_int(args[5], "the step of a slice"))));
  return with_part(m, t, part, args[1]);
}
Result<Value> select_scatter(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(canvas(m, args[0]));
  const Value part = TRY(select_tensor(m, t, TRY(own_axis(m, args[2], t)), TRY(m.to_int(args[3]))));
  return with_part(m, t, part, args[1]);
}

Result<Value> same(Machine&, const Schema&, Arguments& args) { return args[0]; }

// Does nothing in evaluation, which is what a model saved in training mode is taken as.
Result<Value> dropout(Machine& m, const Schema&, Arguments& args) {
  const auto on = m.decide(TRY(m.to_bool(args[2])));
  const Float share = TRY(m.to_float(args[1]));
  if (on.value_or(false) && !(share.is_known() && share.known == 0)) {
    m.notice_once(
        "dropout was saved in training mode; it is converted as in evaluation, where it does "
        "nothing",
        ir::where(m.builder.origin()));
  }
  return args[0];
}

// The same memory, but no Python number any more.
Result<Value> detach(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (!t->wrapped) return t;
  AbstractTensor out = *t;
  out.wrapped = false;
  return std::make_shared<const AbstractTensor>(std::move(out));
}

// The order of dimensions that a memory format lays out, outermost first; empty for row order.
std::vector<size_t> memory_order(int64_t format, size_t rank) {
  if (format == 2 && rank == 4) return {0, 2, 3, 1};     // channels_last
  if (format == 3 && rank == 5) return {0, 2, 3, 4, 1};  // channels_last_3d
  return {};
}

// The tensor in a memory format: itself where it has it, or a copy.
Result<Value> in_memory_format(Machine& m, const TensorRef& t, int64_t format) {
  const auto order = memory_order(format, t->sizes.size());
  std::vector<Dim> strides = Machine::contiguous_strides(t->sizes);
  Dim next = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = next;
    next = next * t->sizes[order[i]];
  }
  bool fits = true;
  for (size_t i = 0; i < strides.size(); ++i)
    fits = fits && (t->sizes[i].is(1) || t->strides[i] == strides[i]);
  if (fits && t->strides_unsure) return m.doubtful(t);
  if (fits) return t;
  AbstractTensor out = **TRY(copy_tensor(m, t)).get<TensorRef>();
  out.strides = std::move(strides);
  return std::make_shared<const AbstractTensor>(std::move(out));
}

// The argument memory_format; 1, "preserve", where it is left out.
Result<int64_t> memory_format(Machine& m, const Schema& schema, const Arguments& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (schema.arguments[i].name == "memory_format" && !args[i].is_none())
      return m.to_constant_int(args[i], "a memory format");
  }
  return 1;
}

Result<Value> contiguous(Machine& m, const Schema& schema, Arguments& args) {
  return in_memory_format(m, TRY(tensor_of(m, args[0])), TRY(memory_format(m, schema, args)));
}

Result<Value> clone(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const Value copy = TRY(copy_tensor(m, t));
  const int64_t format = TRY(memory_format(m, schema, args));
  if (format != 1) return in_memory_format(m, *copy.get<TensorRef>(), format);
  return with_strides_of(m, t, copy);
}

// Every overload of to(): a dtype may come as an int, from another tensor, or not at all; devices
// do not matter.
Result<Value> to(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  std::optional<DType> dtype;
  bool copy = false;
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string& name = schema.arguments[i].name;
    if (name == "dtype" && !args[i].is_none())
      dtype = dtype_of_scalar_type(TRY(m.to_constant_int(args[i], "a dtype")));
    if (name == "other") dtype = TRY(tensor_of(m, args[i]))->dtype;
    if (name == "copy" && args[i].is<Bool>()) copy = args[i].get<Bool>()->kind == Bool::Kind::yes;
  }
  const Value converted = TRY(convert_tensor(m, t, dtype, copy));
  const int64_t format = TRY(memory_format(m, schema, args));
  if (format == 1) return converted;
  return in_memory_format(m, *converted.get<TensorRef>(), format);
}

template <DType dtype>
Result<Value> cast_to(Machine& m, const Schema&, Arguments& args) {
  return convert_tensor(m, TRY(tensor_of(m, args[0])), dtype, false);
}

}  // namespace

std::span<const Builtin> copy_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::detach", detach},
      {"aten::detach_", same},
      {"aten::alias", detach},
      {"prim::data", detach},
      {"aten::lift_fresh", detach},
      {"aten::positive", same},
      {"aten::resolve_neg", same},
      {"aten::requires_grad_", same},
      {"aten::slice_scatter", slice_scatter},
      {"aten::select_scatter", select_scatter},
      {"aten::contiguous", contiguous},
      {"aten::clone", clone},
      {"aten::lift_fresh_copy", clone},
      {"aten::detach_copy", clone},
      {"aten::alias_copy", clone},
      {"aten::to.*", to},
      {"aten::type_as", to},
      {"aten::_to_copy", to},
      {"aten::cpu", same},
      {"aten::float", cast_to<DType::f32>},
      {"aten::double", cast_to<DType::f64>},
      {"aten::half", cast_to<DType::f16>},
      {"aten::long", cast_to<DType::i64>},
      {"aten::int", cast_to<DType::i32>},
      {"aten::bool", cast_to<DType::boolean>},
      {"aten::bfloat16", cast_to<DType::bf16>},
      {"aten::_cast_Float", cast_to<DType::f32>},
      {"aten::_cast_Long", cast_to<DType::i64>},
      {"aten::dropout", dropout},
      {"aten::dropout_", dropout},
      {"aten::feature_dropout", dropout},
      {"aten::feature_dropout_", dropout},
      {"aten::alpha_dropout", dropout},
      {"aten::alpha_dropout_", dropout},
      {"aten::feature_alpha_dropout", dropout},
      {"aten::feature_alpha_dropout_", dropout},
  };
  return kAll;
}

}  // namespace tenon::torch
