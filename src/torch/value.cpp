#include "torch/value.h"

#include <array>

namespace tenon::torch {

Value Value::tuple(std::vector<Value> items) {
  return std::make_shared<const TupleData>(TupleData{std::move(items), {}, {}});
}

std::string Value::kind() const {
  static constexpr std::array<const char*, 16> kNames = {
      "None",   "bool",  "int",    "float", "str",      "Tensor",  "list",   "dict",
      "object", "tuple", "device", "range", "function", "unknown", "complex",
      "Optional that data decides"};
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

}  // namespace tenon::torch
