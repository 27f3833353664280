// Indices as kernels read them: of either integer type, negative ones counted from the end.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstring>

#include "targets/cpu/kernel.h"

namespace tenon::cpu {

// Whether an operand's elements are indices.
inline bool are_indices(const ir::Value* value) {
  return value != nullptr && (value->dtype() == DType::i64 || value->dtype() == DType::i32);
}

struct Indices {
  const std::byte* data = nullptr;
  bool wide = true;  // i64, else i32

  int64_t operator[](int64_t i) const {
    return wide ? reinterpret_cast<const int64_t*>(data)[i]
                : reinterpret_cast<const int32_t*>(data)[i];
  }
};

// The first index out of range that any thread met, for the error once all have ended.
class Bounds {
 public:
  // The place along an axis of size n; 0 where the index is outside.
  int64_t place(int64_t index, int64_t n) {
    const int64_t at = index < 0 ? index + n : index;
    if (at >= 0 && at < n) return at;
    bad_.store(true, std::memory_order_relaxed);
    index_ = index;
    size_ = n;
    return 0;
  }
  Status status(const std::string& op, const Where& where) const {
    if (!bad_) return {};
    return fail(
        {.kind = ErrorKind::usage,
         .what = fmt::format("{} cannot be computed", op),
         .where = where,
         .why = fmt::format("index {} is outside an axis of size {}", index_.load(), size_.load()),
         .hint = "check the values and shapes of the inputs"});
  }

 private:
  std::atomic<bool> bad_ = false;
  std::atomic<int64_t> index_ = 0, size_ = 0;
};

// Copies one element or block; sizes of single numbers as such.
inline void copy_block(std::byte* to, const std::byte* from, int64_t bytes) {
  if (bytes == 4)
    std::memcpy(to, from, 4);
  else if (bytes == 8)
    std::memcpy(to, from, 8);
  else
    std::memcpy(to, from, static_cast<size_t>(bytes));
}

}  // namespace tenon::cpu
