// Bytes that keep alive what they lie in: a file's mapping, or memory of their own.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "tenon/error.h"

namespace tenon::archive {

struct Blob {
  std::shared_ptr<const std::byte> data;
  size_t size = 0;

  std::span<const std::byte> bytes() const { return {data.get(), size}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data.get()), size}; }
  // `offset + length` must lie inside.
  Blob slice(size_t offset, size_t length) const {
    return {std::shared_ptr<const std::byte>(data, data.get() + offset), length};
  }
};

// Memory to fill before it is shared: 64-byte aligned, not initialised.
struct NewBlob {
  std::shared_ptr<std::byte> data;
  size_t size = 0;

  std::span<std::byte> bytes() const { return {data.get(), size}; }
  Blob share() && { return {std::move(data), size}; }
};
Result<NewBlob> allocate_blob(size_t size);
// Bytes of a string, copied.
Result<Blob> copy_blob(std::string_view text);

}  // namespace tenon::archive
