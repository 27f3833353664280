// Zip archives, read safely: nothing is read outside the mapping, entries may not overlap, and an
// entry never inflates beyond the size that it declares. Format: PKWARE's APPNOTE.TXT, sections 4.3
// to 4.5.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archive/blob.h"
#include "base/mapped_file.h"

namespace tenon::archive {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  // 0 stored, 8 deflated; reading anything else fails
  uint16_t flags = 0;
  uint32_t crc = 0;              // of the inflated bytes
  uint64_t compressed_size = 0;  // in the file
  uint64_t size = 0;             // inflated
  uint64_t header_offset = 0;
  uint64_t data_offset = 0;
};

enum class Verify {
  automatic,  // the checksum of deflated entries, and of stored ones up to 64 KiB: what is only
              // mapped stays untouched on disk
  always,
  never,
};

class ZipReader {
 public:
  // The largest entry that is read, and the largest archive directory.
  static constexpr uint64_t kMaxEntrySize = uint64_t{16} << 30;

  static Result<ZipReader> open(const std::string& path);
  ZipReader(ZipReader&&) = default;
  ZipReader& operator=(ZipReader&&) = default;
  static Result<ZipReader> open(const MappedFile& file);
  // `path` is only used in errors.
  static Result<ZipReader> open(Blob file, std::string path);
  // Whether the bytes start as a zip archive does.
  static bool looks_like_zip(std::span<const std::byte> bytes);

  const std::string& path() const { return path_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }  // in the directory's order
  const ZipEntry* find(std::string_view name) const;

  // Of an entry of this archive. Stored entries share the mapping, deflated ones are inflated once
  // and kept.
  Result<Blob> read(const ZipEntry& entry, Verify verify = Verify::automatic) const;
  Result<Blob> read(std::string_view name, Verify verify = Verify::automatic) const;

 private:
  struct Cache;
  ZipReader() = default;
  Status parse();
  Status place_entries(uint64_t limit);
  Error damaged(std::string_view entry, std::string why) const;

  std::string path_;
  Blob file_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string_view, size_t> index_;  // views into entries_
  std::shared_ptr<Cache> cache_;
};

}  // namespace tenon::archive
