#include "tenon/tensor.h"

#include <array>
#include <cstdlib>
#include <cstring>

namespace tenon {
namespace {

struct DTypeInfo {
  std::string_view name;
  std::string_view numpy_name;
  int bits;
};

constexpr std::array<DTypeInfo, 27> kDTypes = {{
    {"undefined", "", 0},
    {"f32", "float32", 32},
    {"u8", "uint8", 8},
    {"i8", "int8", 8},
    {"u16", "uint16", 16},
    {"i16", "int16", 16},
    {"i32", "int32", 32},
    {"i64", "int64", 64},
    {"string", "str", 0},
    {"bool", "boolean", 8},
    {"f16", "float16", 16},
    {"f64", "float64", 64},
    {"u32", "uint32", 32},
    {"u64", "uint64", 64},
    {"c64", "complex64", 64},
    {"c128", "complex128", 128},
    {"bf16", "bfloat16", 16},
    {"f8e4m3fn", "float8_e4m3fn", 8},
    {"f8e4m3fnuz", "float8_e4m3fnuz", 8},
    {"f8e5m2", "float8_e5m2", 8},
    {"f8e5m2fnuz", "float8_e5m2fnuz", 8},
    {"u4", "uint4", 4},
    {"i4", "int4", 4},
    {"f4e2m1", "float4_e2m1", 4},
    {"f8e8m0", "float8_e8m0", 8},
    {"u2", "uint2", 2},
    {"i2", "int2", 2},
}};

}  // namespace

int bits(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].bits; }

bool is_floating(DType d) {
  return d == DType::f32 || d == DType::f16 || d == DType::f64 || d == DType::bf16 ||
         (d >= DType::f8e4m3fn && d <= DType::f8e5m2fnuz) || d == DType::f4e2m1 ||
         d == DType::f8e8m0;
}

bool is_integral(DType d) {
  return (d >= DType::u8 && d <= DType::i64) || d == DType::u32 || d == DType::u64 ||
         d == DType::u4 || d == DType::i4 || d == DType::u2 || d == DType::i2;
}

bool is_complex(DType d) { return d == DType::c64 || d == DType::c128; }

std::string_view name(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

DType dtype_from_name(std::string_view name) {
  for (size_t i = 1; i < kDTypes.size(); ++i) {
    if (kDTypes[i].name == name || kDTypes[i].numpy_name == name) return static_cast<DType>(i);
  }
  return DType::undefined;
}

size_t byte_size(DType dtype, int64_t count) {
  return (static_cast<size_t>(count) * static_cast<size_t>(bits(dtype)) + 7) / 8;
}

int64_t element_count(std::span<const int64_t> dims) {
  int64_t count = 1;
  for (int64_t dim : dims) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return -1;
  }
  return count;
}

Tensor::Tensor(DType dtype, Dims shape, std::shared_ptr<const std::byte> data)
    : dtype_(dtype), shape_(std::move(shape)), data_(std::move(data)) {}

Tensor Tensor::zeros(DType dtype, Dims shape) {
  const size_t size = byte_size(dtype, element_count(shape));
  const size_t rounded = (size + 63) / 64 * 64 + (size == 0 ? 64 : 0);
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, rounded));
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, rounded);
  return Tensor(dtype, std::move(shape),
                std::shared_ptr<const std::byte>(
                    memory, [](const std::byte* p) { std::free(const_cast<std::byte*>(p)); }));
}

Tensor Tensor::scalar_i64(int64_t value) { return of<int64_t>(DType::i64, {}, {&value, 1}); }

Tensor Tensor::vector_i64(std::span<const int64_t> values) {
  return of<int64_t>(DType::i64, {static_cast<int64_t>(values.size())}, values);
}

Tensor Tensor::scalar_f32(float value) { return of<float>(DType::f32, {}, {&value, 1}); }

}  // namespace tenon
