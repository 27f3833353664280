#include "torch/lowering.h"

#include <fmt/format.h>

namespace tenon::torch {
namespace {

const Value kNone;

int float_rank(DType d) {
  switch (d) {
    case DType::f64:
      return 3;
    case DType::f32:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

DType promote(DType a, DType b) {
  if (a == b || b == DType::undefined) return a;
  if (a == DType::undefined) return b;
  if (is_complex(a) || is_complex(b)) {
    return a == DType::c128 || b == DType::c128 || a == DType::f64 || b == DType::f64 ? DType::c128
                                                                                      : DType::c64;
  }
  if (is_floating(a) || is_floating(b)) {
    if (!is_floating(b)) return a;
    if (!is_floating(a)) return b;
    if (float_rank(a) == float_rank(b)) return DType::f32;  // half and bfloat16
    return float_rank(a) > float_rank(b) ? a : b;
  }
  if (a == DType::boolean) return b;
  if (b == DType::boolean) return a;
  auto is_unsigned = [](DType d) {
    return d == DType::u8 || d == DType::u16 || d == DType::u32 || d == DType::u64;
  };
  if (is_unsigned(a) == is_unsigned(b)) return bits(a) > bits(b) ? a : b;
  const DType u = is_unsigned(a) ? a : b, s = is_unsigned(a) ? b : a;
  if (bits(s) > bits(u)) return s;
  return bits(u) == 8 ? DType::i16 : bits(u) == 16 ? DType::i32 : DType::i64;
}

const Value& LowerContext::value(std::string_view name) const {
  for (size_t i = 0; i < schema_.arguments.size(); ++i) {
    if (schema_.arguments[i].name == name) return arguments_[i];
  }
  return kNone;
}

bool LowerContext::has(std::string_view name) const { return !value(name).is_none(); }

ir::Value* LowerContext::tensor(std::string_view name) {
  const Value& v = value(name);
  if (v.is_none()) return nullptr;
  if (const TensorRef* t = v.get<TensorRef>()) {
    if (auto read = machine_.read(**t))
      return *read;
    else
      b.fail(read.error());
  } else {
    b.fail(
        machine_.error(ErrorKind::bad_file, "a tensor is needed",
                       fmt::format("{} of {} is of kind {}", name, schema_.full_name(), v.kind())));
  }
  return b.scalar(0, DType::f32);
}

std::vector<ir::Value*> LowerContext::tensors(std::string_view name) {
  std::vector<ir::Value*> out;
  const auto* items = machine_.items(value(name));
  if (items == nullptr) return out;
  const std::vector<Value> copy = *items;
  for (const Value& item : copy) {
    if (const TensorRef* t = item.get<TensorRef>()) {
      auto read = machine_.read(**t);
      if (!read) b.fail(read.error());
      out.push_back(read ? *read : b.scalar(0, DType::f32));
    } else {
      out.push_back(nullptr);
    }
  }
  return out;
}

Dim LowerContext::integer(std::string_view name) {
  auto d = machine_.to_int(value(name));
  if (d) return *d;
  b.fail(d.error());
  return 1;
}

int64_t LowerContext::constant(std::string_view name) {
  auto n =
      machine_.to_constant_int(value(name), fmt::format("{} of {}", name, schema_.full_name()));
  if (n) return *n;
  b.fail(n.error());
  return 1;
}

double LowerContext::number(std::string_view name) {
  auto f = machine_.to_float(value(name));
  if (f && f->is_known()) return f->known;
  b.fail(f ? machine_.error(ErrorKind::unsupported,
                            "a number must be known when the model is converted",
                            fmt::format("{} of {} depends on data", name, schema_.full_name()))
           : f.error());
  return 0;
}

bool LowerContext::flag(std::string_view name) {
  auto f = machine_.to_bool(value(name));
  if (f) {
    if (auto known = machine_.decide(*f)) return *known;
  }
  b.fail(f ? machine_.error(ErrorKind::unsupported,
                            "a flag must be known when the model is converted",
                            fmt::format("{} of {} depends on data", name, schema_.full_name()))
           : f.error());
  return false;
}

std::string LowerContext::text(std::string_view name) {
  const std::string* s = value(name).get<std::string>();
  return s ? *s : std::string();
}

Shape LowerContext::ints(std::string_view name) {
  if (!has(name)) return {};
  auto shape = machine_.to_shape(value(name));
  if (shape) return *shape;
  b.fail(shape.error());
  return {};
}

std::vector<int64_t> LowerContext::constants(std::string_view name) {
  const Shape dims = ints(name);
  if (auto known = ir::constant_dims(dims)) return *known;
  b.fail(machine_.error(
      ErrorKind::unsupported, "a list of numbers must be known when the model is converted",
      fmt::format("{} of {} is {}", name, schema_.full_name(), ir::to_string(dims)),
      "fix the dynamic dimension with --shapes"));
  return std::vector<int64_t>(dims.size(), 1);
}

std::vector<double> LowerContext::numbers(std::string_view name) {
  std::vector<double> out;
  const auto* items = machine_.items(value(name));
  if (items == nullptr) return out;
  for (const Value& item : *items) {
    auto f = machine_.to_float(item);
    if (!f || !f->is_known()) {
      b.fail(machine_.error(ErrorKind::unsupported,
                            "numbers must be known when the model is converted",
                            fmt::format("{} of {} depends on data", name, schema_.full_name())));
      return out;
    }
    out.push_back(f->known);
  }
  return out;
}

std::optional<DType> LowerContext::dtype(std::string_view name) {
  if (!has(name)) return std::nullopt;
  const DType found = dtype_of_scalar_type(constant(name));
  if (found == DType::undefined)
    b.fail(machine_.error(ErrorKind::unsupported, "this dtype has no form in ONNX",
                          fmt::format("{} of {}", name, schema_.full_name())));
  return found;
}

ir::Value* LowerContext::scalar(std::string_view name, DType dtype) {
  auto v = machine_.scalar_value(value(name), dtype);
  if (v) return *v;
  b.fail(v.error());
  return b.scalar(0, dtype);
}

bool LowerContext::is_number(std::string_view name) const {
  const Value& v = value(name);
  return v.is<Dim>() || v.is<Float>() || v.is<Bool>() || v.is<Complex>();
}

bool LowerContext::is_complex_number(std::string_view name) const {
  const Value& v = value(name);
  const TensorRef* t = v.get<TensorRef>();
  return v.is<Complex>() || (t && is_complex((*t)->dtype));
}

DType LowerContext::promoted(std::initializer_list<std::string_view> names) {
  DType dims = DType::undefined, zero = DType::undefined, wrapped = DType::undefined;
  for (std::string_view name : names) {
    const Value& v = value(name);
    if (const TensorRef* t = v.get<TensorRef>()) {
      const DType own = !(*t)->wrapped             ? (*t)->dtype
                        : is_floating((*t)->dtype) ? DType::f32
                        : is_complex((*t)->dtype)  ? DType::c64
                                                   : (*t)->dtype;
      DType& to = (*t)->wrapped ? wrapped : (*t)->sizes.empty() ? zero : dims;
      to = promote(to, own);
    } else if (v.is<Dim>()) {
      wrapped = promote(wrapped, DType::i64);
    } else if (v.is<Float>()) {
      wrapped = promote(wrapped, DType::f32);
    } else if (v.is<Bool>()) {
      wrapped = promote(wrapped, DType::boolean);
    } else if (v.is<Complex>()) {
      wrapped = promote(wrapped, DType::c64);
    }
  }
  auto combine = [](DType higher, DType lower) {
    if (is_complex(higher)) return higher;
    if (is_floating(higher))
      return !is_complex(lower)      ? higher
             : higher == DType::bf16 ? DType::c64
                                     : complex_type(higher);
    if (higher == DType::boolean || is_floating(lower) || is_complex(lower))
      return promote(higher, lower);
    return higher == DType::undefined ? lower : higher;
  };
  return combine(dims, combine(zero, wrapped));
}

ir::Value* LowerContext::operand(std::string_view name, DType dtype) {
  if (is_number(name)) return scalar(name, dtype);
  if (const TensorRef* t = value(name).get<TensorRef>()) {
    auto read = machine_.read_as(**t, dtype);
    if (read) return *read;
    b.fail(read.error());
    return b.scalar(0, real_type(dtype));
  }
  return b.cast(tensor(name), dtype);
}

const Shape& LowerContext::shape(ir::Value* value) {
  static const Shape kEmpty;
  if (value->shape()) return *value->shape();
  b.fail(machine_.error(ErrorKind::unsupported, "the rank of a tensor is not known",
                        "data decides it, and " + schema_.full_name() + " needs it"));
  return kEmpty;
}

int64_t LowerContext::axis(int64_t value, ir::Value* of) {
  const auto rank = static_cast<int64_t>(of->rank().value_or(0));
  return value < 0 ? value + std::max<int64_t>(rank, 1) : value;
}

int64_t LowerContext::axis(std::string_view name, ir::Value* of) {
  return axis(constant(name), of);
}

ir::Value* LowerContext::refuse(std::string why, std::string hint) {
  if (!refused_)
    refused_ = machine_.error(ErrorKind::unsupported, "cannot convert " + schema_.full_name(),
                              std::move(why), std::move(hint));
  return b.scalar(0, DType::f32);
}

}  // namespace tenon::torch
