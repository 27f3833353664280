#include "torch/value.h"

#include <array>

namespace tenon::torch {

Value Value::tuple(std::vector<Value> items) {
  return std::make_shared<const TupleData>(TupleData{std::move(items), {}, {}});
}

std::string Value::kind() const {
  static constexpr std::array<const char*, 16> kNames = {
      "None",     "bool",    "int",     "float",
      "str",      "Tensor",  "list",    "dict",
      "object",   "tuple",   "device",  "range",
      "function", "unknown", "complex", "Optional that data decides"};
  return kNames[v.index()];
}

namespace {
constexpr std::array<DType, 30> kScalarTypes = {
    DType::u8,         DType::i8,         DType::i16,       DType::i32,       DType::i64,
    DType::f16,        DType::f32,        DType::f64,       DType::undefined, DType::c64,
    DType::c128,       DType::boolean,    DType::i8,        DType::u8,        DType::i32,
    DType::bf16,       DType::undefined,  DType::undefined, DType::undefined, DType::undefined,
    DType::undefined,  DType::undefined,  DType::undefined, DType::f8e5m2,    DType::f8e4m3fn,
    DType::f8e5m2fnuz, DType::f8e4m3fnuz, DType::u16,       DType::u32,       DType::u64};
}

DType real_type(DType dtype) {
  return dtype == DType::c64 ? DType::f32 : dtype == DType::c128 ? DType::f64 : dtype;
}

DType complex_type(DType dtype) {
  return dtype == DType::f32 ? DType::c64 : dtype == DType::f64 ? DType::c128 : DType::undefined;
}

Shape graph_shape(const AbstractTensor& tensor) {
  Shape shape = tensor.sizes;
  if (is_complex(tensor.dtype)) shape.emplace_back(2);
  return shape;
}

TensorRef with_quantiser(const TensorRef& tensor, const QuantiserRef& quantiser) {
  if (tensor->quantiser == quantiser) return tensor;
  AbstractTensor out = *tensor;
  out.quantiser = quantiser;
  return std::make_shared<const AbstractTensor>(std::move(out));
}

bool same_quantiser(const AbstractTensor& a, const AbstractTensor& b) {
  return a.quantiser == b.quantiser || (a.quantiser && b.quantiser && *a.quantiser == *b.quantiser);
}

DType dtype_of_scalar_type(int64_t scalar_type) {
  return scalar_type >= 0 && scalar_type < static_cast<int64_t>(kScalarTypes.size())
             ? kScalarTypes[static_cast<size_t>(scalar_type)]
             : DType::undefined;
}

int64_t scalar_type_of_dtype(DType dtype) {
  for (size_t i = 0; i < kScalarTypes.size(); ++i) {
    if (kScalarTypes[i] == dtype && dtype != DType::undefined) return static_cast<int64_t>(i);
  }
  return -1;
}

Value enum_member(std::string type, Value value) {
  TupleData data{.items = {std::move(value)}, .names = {"value"}, .type = std::move(type)};
  return std::make_shared<const TupleData>(std::move(data));
}

bool same(const Value& a, const Value& b) {
  if (a.v.index() != b.v.index()) return false;
  return std::visit(
      [&](const auto& x) -> bool {
        using T = std::remove_cvref_t<decltype(x)>;
        const T& y = std::get<T>(b.v);
        if constexpr (std::is_same_v<T, std::monostate>)
          return true;
        else if constexpr (std::is_same_v<T, Bool>)
          return x.kind == y.kind && x.computed == y.computed && x.relation == y.relation &&
                 x.lhs == y.lhs && x.rhs == y.rhs;
        else if constexpr (std::is_same_v<T, Float>)
          return x.known == y.known && x.of == y.of && x.factor == y.factor &&
                 x.offset == y.offset && x.computed == y.computed;
        else if constexpr (std::is_same_v<T, TensorRef>)
          return x == y || (x->storage == y->storage && x->view == y->view &&
                            x->sizes == y->sizes && same_quantiser(*x, *y));
        else if constexpr (std::is_same_v<T, TupleRef>) {
          if (x == y) return true;
          if (x->items.size() != y->items.size()) return false;
          for (size_t i = 0; i < x->items.size(); ++i) {
            if (!same(x->items[i], y->items[i])) return false;
          }
          return true;
        } else if constexpr (std::is_same_v<T, Range>)
          return x.start == y.start && x.stop == y.stop && x.step == y.step;
        else if constexpr (std::is_same_v<T, Callable>)
          return x.name == y.name;
        else if constexpr (std::is_same_v<T, Poison>)
          return true;
        else if constexpr (std::is_same_v<T, Complex>)
          return x.re == y.re && x.im == y.im;
        else if constexpr (std::is_same_v<T, Maybe>)
          return same(Value(x.present), Value(y.present)) && same(*x.value, *y.value);
        else
          return x == y;
      },
      a.v);
}

}  // namespace tenon::torch
