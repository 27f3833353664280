#include "archive/zip_writer.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace tenon::archive {
namespace {

constexpr uint64_t kMax32 = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kAlignment = 64;
constexpr uint16_t kPaddingExtra =
    0xd935;  // the alignment field that Android's zipalign introduced
constexpr uint16_t kDate =
    (0 << 9) | (1 << 5) | 1;  // 1980-01-01: no time of writing, for reproducible bytes

void put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// The fields that local headers and directory entries have in common.
void put_common(std::string& out, uint32_t crc, uint64_t size, size_t name_size, size_t extra_size,
                bool wide) {
  put(out, wide ? 45 : 20, 2);  // version needed
  put(out, 1 << 11, 2);         // names are UTF-8
  put(out, 0, 2);               // stored
  put(out, 0, 2);
  put(out, kDate, 2);
  put(out, crc, 4);
  put(out, wide ? kMax32 : size, 4);
  put(out, wide ? kMax32 : size, 4);
  put(out, name_size, 2);
  put(out, extra_size, 2);
}

}  // namespace

Result<ZipWriter> ZipWriter::create(const std::string& path) {
  return ZipWriter(TRY(AtomicFile::create(path)));
}

Status ZipWriter::add_parts(std::string_view name,
                            std::span<const std::span<const std::byte>> parts) {
  if (name.size() > 0x7fff) {
    return fail({.kind = ErrorKind::usage,
                 .what = "cannot write the zip archive",
                 .why = fmt::format("an entry's name has {} bytes", name.size()),
                 .hint = "use shorter names"});
  }
  Entry entry{.name = std::string(name), .offset = file_.size()};
  uLong crc = 0;
  for (const auto part : parts) {
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
    entry.size += part.size();
  }
  entry.crc = static_cast<uint32_t>(crc);
  const bool wide = entry.size >= kMax32;
  std::string extra;
  if (wide) {
    put(extra, 1, 2);
    put(extra, 16, 2);
    put(extra, entry.size, 8);
    put(extra, entry.size, 8);
  }
  const uint64_t unpadded = entry.offset + 30 + name.size() + extra.size() + 4;
  const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  put(extra, kPaddingExtra, 2);
  put(extra, padding, 2);
  extra.append(padding, '\0');

  std::string header;
  put(header, 0x04034b50, 4);
  put_common(header, entry.crc, entry.size, name.size(), extra.size(), wide);
  header += name;
  header += extra;
  TRY(file_.write(header));
  for (const auto part : parts) TRY(file_.write(part));
  entries_.push_back(std::move(entry));
  return {};
}

Status ZipWriter::finish() {
  const uint64_t start = file_.size();
  std::string out;
  for (const Entry& entry : entries_) {
    const bool wide = entry.size >= kMax32, far = entry.offset >= kMax32;
    std::string extra;
    if (wide || far) {
      put(extra, 1, 2);
      put(extra, (wide ? 16 : 0) + (far ? 8 : 0), 2);
      if (wide) put(extra, entry.size, 8);
      if (wide) put(extra, entry.size, 8);
      if (far) put(extra, entry.offset, 8);
    }
    put(out, 0x02014b50, 4);
    put(out, 45, 2);
    put_common(out, entry.crc, entry.size, entry.name.size(), extra.size(), wide);
    put(out, 0, 2);  // comment
    put(out, 0, 2);  // disk
    put(out, 0, 2);
    put(out, 0, 4);  // attributes
    put(out, far ? kMax32 : entry.offset, 4);
    out += entry.name;
    out += extra;
  }
  const uint64_t size = out.size(), end = start + size;
  if (entries_.size() >= 0xffff || start >= kMax32 || size >= kMax32) {
    put(out, 0x06064b50, 4);
    put(out, 44, 8);
    put(out, 45, 2);
    put(out, 45, 2);
    put(out, 0, 4);
    put(out, 0, 4);
    put(out, entries_.size(), 8);
    put(out, entries_.size(), 8);
    put(out, size, 8);
    put(out, start, 8);
    put(out, 0x07064b50, 4);
    put(out, 0, 4);
    put(out, end, 8);
    put(out, 1, 4);
  }
  const uint64_t count = std::min<uint64_t>(entries_.size(), 0xffff);
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, count, 2);
  put(out, count, 2);
  put(out, std::min(size, kMax32), 4);
  put(out, std::min(start, kMax32), 4);
  put(out, 0, 2);
  TRY(file_.write(out));
  return file_.commit();
}

}  // namespace tenon::archive
