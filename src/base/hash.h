// A hash that guards against accidents, not against somebody who looks for collisions.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace tenon {

// Two 64-bit multiply-and-rotate hashes with different constants side by side.
struct Hash {
  uint64_t a = 0x9e3779b97f4a7c15, b = 0xc2b2ae3d27d4eb4f;

  void add(uint64_t v) {
    a = std::rotl((a ^ v) * 0xff51afd7ed558ccd, 31);
    b = std::rotl((b + v) * 0xc4ceb9fe1a85ec53, 29) ^ (b >> 33);
  }
  void add(const void* data, size_t size) {
    const auto* bytes = static_cast<const char*>(data);
    add(uint64_t{size});
    for (; size >= 8; size -= 8, bytes += 8) {
      uint64_t word = 0;
      std::memcpy(&word, bytes, 8);
      add(word);
    }
    uint64_t word = 0;
    if (size != 0) std::memcpy(&word, bytes, size);
    add(word);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void add(const Hash& other) {
    add(other.a);
    add(other.b);
  }
  // 32 hexadecimal digits.
  std::string str() const { return fmt::format("{:016x}{:016x}", a, b); }
};

}  // namespace tenon
