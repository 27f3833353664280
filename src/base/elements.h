// Elements of tensors of any numeric type as doubles.
#pragma once

#include <cstring>

#include "base/half.h"
#include "tenon/tensor.h"

namespace tenon {

// Calls f(T{}, convert) with the element type that lies in memory and its conversion to double;
// false for types that have none (strings, 4-bit integers, 8-bit floats, complex).
template <class F>
bool with_elements(DType dtype, F&& f) {
  const auto plain = [](auto v) { return static_cast<double>(v); };
  switch (dtype) {
    case DType::f32:
      f(float{}, plain);
      return true;
    case DType::f64:
      f(double{}, plain);
      return true;
    case DType::f16:
      f(uint16_t{}, [](uint16_t v) { return double{f16_to_float(v)}; });
      return true;
    case DType::bf16:
      f(uint16_t{}, [](uint16_t v) { return double{bf16_to_float(v)}; });
      return true;
    case DType::boolean:
      f(uint8_t{}, [](uint8_t v) { return v ? 1.0 : 0.0; });
      return true;
    case DType::u8:
      f(uint8_t{}, plain);
      return true;
    case DType::i8:
      f(int8_t{}, plain);
      return true;
    case DType::u16:
      f(uint16_t{}, plain);
      return true;
    case DType::i16:
      f(int16_t{}, plain);
      return true;
    case DType::u32:
      f(uint32_t{}, plain);
      return true;
    case DType::i32:
      f(int32_t{}, plain);
      return true;
    case DType::u64:
      f(uint64_t{}, plain);
      return true;
    case DType::i64:
      f(int64_t{}, plain);
      return true;
    default:
      return false;
  }
}

}  // namespace tenon
