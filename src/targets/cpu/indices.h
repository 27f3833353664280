// Indices that a kernel reads while it runs: of 32 or 64 bits, negative ones counting from the end.
#pragma once

#include <cstring>

#include "targets/cpu/kernel.h"

namespace tenon::cpu {

struct Indices {
  const std::byte* data = nullptr;
  bool wide = true;  // i64, else i32

  int64_t operator[](int64_t i) const {
    if (wide) {
      int64_t v = 0;
      std::memcpy(&v, data + i * 8, sizeof(v));
      return v;
    }
    int32_t v = 0;
    std::memcpy(&v, data + i * 4, sizeof(v));
    return v;
  }
};

inline bool are_indices(const ir::Value* value) {
  return value->type.is_tensor() && (value->dtype() == DType::i64 || value->dtype() == DType::i32);
}

// Elements that can be copied as bytes.
inline bool of_whole_bytes(const ir::Value* value) {
  return value->type.is_tensor() && bits(value->dtype()) >= 8;
}

// Makes an index count from the start; false where it is outside of an axis of this size.
inline bool in_range(int64_t& index, int64_t size) {
  if (index < 0) index += size;
  return index >= 0 && index < size;
}

// What a kernel says of an index outside.
std::unexpected<Error> outside(std::string_view op, int64_t index, int64_t size);

// out[i] = from[at(i)] for i in [0, count), of elements or rows of `width` bytes.
template <class At>
void copy_rows(const std::byte* from, std::byte* to, int64_t width, int64_t count, int threads,
               At&& at) {
  const auto as = [&]<class T>(T) {
    const auto* x = reinterpret_cast<const T*>(from);
    auto* y = reinterpret_cast<T*>(to);
    parallel_for(count, 1 << 14, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = x[at(i)];
    });
  };
  switch (width) {
    case 0:
      return;
    case 1:
      return as(uint8_t{});
    case 2:
      return as(uint16_t{});
    case 4:
      return as(uint32_t{});
    case 8:
      return as(uint64_t{});
    default:
      parallel_for(
          count, std::max<int64_t>(1, (1 << 15) / width), threads, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
              std::memcpy(to + i * width, from + at(i) * width, static_cast<size_t>(width));
          });
  }
}

}  // namespace tenon::cpu
