// The fixed part of a plan file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tenon::plan {

inline constexpr std::string_view kMagic = "TENONPLN";
inline constexpr size_t kAlignment = 64;
inline constexpr size_t kPrologue = 64;  // bytes before the first blob
inline constexpr size_t kInline = 256;   // tensors up to this size live in the header

struct Prologue {
  char magic[8] = {};
  uint32_t version = 0;
  uint32_t reserved = 0;
  uint64_t header_offset = 0;
  uint64_t header_size = 0;
  uint64_t header_checksum = 0;
  uint64_t file_size = 0;
  uint64_t own_checksum = 0;  // of the fields above
};
static_assert(sizeof(Prologue) == 56 && sizeof(Prologue) <= kPrologue);

inline std::span<const std::byte> prologue_bytes(const Prologue& p) {
  return std::as_bytes(std::span(&p, 1)).first(offsetof(Prologue, own_checksum));
}

}  // namespace tenon::plan
