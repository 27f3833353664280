// What libFuzzer hands over, in memory of exactly its size, so that reading past its end is
// noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "archive/blob.h"

namespace tenon::fuzz {

inline archive::Blob input(const uint8_t* data, size_t size) {
  const std::shared_ptr<std::byte[]> copy(new std::byte[size]);
  if (size > 0) std::memcpy(copy.get(), data, size);
  return {std::shared_ptr<const std::byte>(copy, copy.get()), size};
}

}  // namespace tenon::fuzz
