// Writes zip archives of stored entries, reproducibly: the same entries give the same bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace tenon::archive {

class ZipWriter {
 public:
  // The file appears under its name at finish() and not before.
  static Result<ZipWriter> create(const std::string& path);

  // Appends an entry; its data, the parts one after the other, start at a multiple of 64 bytes.
  Status add_parts(std::string_view name, std::span<const std::span<const std::byte>> parts);
  Status add(std::string_view name, std::span<const std::byte> data) {
    return add_parts(name, {&data, 1});
  }
  Status finish();

 private:
  struct Entry {
    std::string name;
    uint32_t crc = 0;
    uint64_t size = 0;
    uint64_t offset = 0;
  };
  explicit ZipWriter(AtomicFile file) : file_(std::move(file)) {}

  AtomicFile file_;
  std::vector<Entry> entries_;
};

}  // namespace tenon::archive
