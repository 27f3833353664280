// Tensors as plain data: an element type, a shape, and bytes that may be owned or mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/error.h"

namespace tenon {

// Element types, numbered as in ONNX's TensorProto.DataType.
enum class DType : uint8_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  c64 = 14,
  c128 = 15,
  bf16 = 16,
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,
  i4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  i2 = 26,
};

using Dims = std::vector<int64_t>;

// Bits of one element; 0 for strings and undefined.
int bits(DType dtype);
bool is_floating(DType dtype);  // f64 down to f4
bool is_integral(DType dtype);  // signed and unsigned, not boolean
bool is_complex(DType dtype);
std::string_view name(DType dtype);            // "f32", "bool"
DType dtype_from_name(std::string_view name);  // undefined where unknown; "float32" is taken too
// Bytes of `count` elements, packed types rounded up to whole bytes.
size_t byte_size(DType dtype, int64_t count);
// Product of the dimensions; 1 for a scalar. -1 where it does not fit or a dimension is negative.
int64_t element_count(std::span<const int64_t> dims);

// C-contiguous, little-endian. Copying a Tensor shares its bytes.
class Tensor {
 public:
  Tensor() = default;
  // Takes bytes as they are; `owner` keeps them alive. `size` must be byte_size(dtype,
  // element_count(shape)).
  Tensor(DType dtype, Dims shape, std::shared_ptr<const std::byte> data);
  // Allocates zeroed, 64-byte aligned memory; get it with mutable_bytes() before the tensor is
  // shared.
  static Tensor zeros(DType dtype, Dims shape);
  template <class T>
  static Tensor of(DType dtype, Dims shape, std::span<const T> values);
  static Tensor scalar_i64(int64_t value);
  static Tensor vector_i64(std::span<const int64_t> values);
  static Tensor scalar_f32(float value);

  DType dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }
  int64_t count() const { return element_count(shape_); }
  size_t nbytes() const { return byte_size(dtype_, count()); }
  bool has_data() const { return data_ != nullptr; }
  const std::byte* data() const { return data_.get(); }
  std::span<const std::byte> bytes() const { return {data_.get(), nbytes()}; }
  std::span<std::byte> mutable_bytes() { return {const_cast<std::byte*>(data_.get()), nbytes()}; }
  template <class T>
  std::span<const T> values() const {
    return {reinterpret_cast<const T*>(data_.get()), static_cast<size_t>(count())};
  }
  template <class T>
  std::span<T> mutable_values() {
    return {reinterpret_cast<T*>(mutable_bytes().data()), static_cast<size_t>(count())};
  }
  const std::shared_ptr<const std::byte>& storage() const { return data_; }
  Tensor reshaped(Dims shape) const { return Tensor(dtype_, std::move(shape), data_); }

 private:
  DType dtype_ = DType::undefined;
  Dims shape_;
  std::shared_ptr<const std::byte> data_;
};

template <class T>
Tensor Tensor::of(DType dtype, Dims shape, std::span<const T> values) {
  Tensor out = zeros(dtype, std::move(shape));
  auto to = out.mutable_values<T>();
  for (size_t i = 0; i < to.size() && i < values.size(); ++i) to[i] = values[i];
  return out;
}

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace tenon
