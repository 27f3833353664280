#include "archive/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/error.h"

namespace tenon::archive {
namespace {

constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr size_t kEntrySize = 46, kLocalSize = 30, kEndSize = 22, kEnd64Size = 56,
                 kLocatorSize = 20;
constexpr uint16_t kZip64Extra = 1;
constexpr uint64_t kVerifiedSize = uint64_t{1} << 16;
// Deflate codes at most 258 bytes in two bits.
constexpr uint64_t kMaxDeflateRatio = 1032;

template <class T>
T load(std::span<const std::byte> bytes, size_t offset) {
  T value;  // zip is little-endian, as are all machines that Tenon runs on
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

struct Directory {
  uint64_t offset = 0, size = 0, count = 0;
};

}  // namespace

struct ZipReader::Cache {
  std::mutex mutex;
  std::vector<Blob> inflated;
};

Error ZipReader::damaged(std::string_view entry, std::string why) const {
  return {.kind = ErrorKind::bad_file,
          .what = "cannot read the zip archive",
          .where = {.file = path_, .node = std::string(entry)},
          .why = std::move(why),
          .hint = "the file is damaged or was cut short: copy or save it again"};
}

bool ZipReader::looks_like_zip(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) return false;
  const auto signature = load<uint32_t>(bytes, 0);
  return signature == kLocalSignature || signature == kEndSignature;
}

Result<ZipReader> ZipReader::open(const std::string& path) {
  return open(TRY(MappedFile::open(path)));
}

Result<ZipReader> ZipReader::open(const MappedFile& file) {
  return open(Blob{file.share(0), file.bytes().size()}, file.path());
}

Result<ZipReader> ZipReader::open(Blob file, std::string path) {
  ZipReader zip;
  zip.path_ = std::move(path);
  zip.file_ = std::move(file);
  zip.cache_ = std::make_shared<Cache>();
  TRY(zip.parse());
  zip.cache_->inflated.resize(zip.entries_.size());
  return zip;
}

Status ZipReader::parse() {
  const auto bytes = file_.bytes();
  if (bytes.size() < kEndSize) return fail(damaged("", "the file is too short for a zip archive"));
  // The end record is followed by a comment of at most 64 KiB.
  size_t end = bytes.size() - kEndSize;
  const size_t first = end > 0xffff ? end - 0xffff : 0;
  auto is_end = [&](size_t at) {
    return load<uint32_t>(bytes, at) == kEndSignature &&
           load<uint16_t>(bytes, at + 20) <= bytes.size() - at - kEndSize;
  };
  while (!is_end(end)) {
    if (end == first) return fail(damaged("", "the end of the archive's directory is missing"));
    --end;
  }
  Directory directory{.offset = load<uint32_t>(bytes, end + 16),
                      .size = load<uint32_t>(bytes, end + 12),
                      .count = load<uint16_t>(bytes, end + 10)};
  uint64_t limit = end;
  if (end >= kLocatorSize && load<uint32_t>(bytes, end - kLocatorSize) == kLocator64Signature) {
    const auto at = load<uint64_t>(bytes, end - kLocatorSize + 8);
    if (end - kLocatorSize < kEnd64Size || at > end - kLocatorSize - kEnd64Size ||
        load<uint32_t>(bytes, at) != kEnd64Signature) {
      return fail(damaged("", "the zip64 end record is not where the locator says"));
    }
    directory = {.offset = load<uint64_t>(bytes, at + 48),
                 .size = load<uint64_t>(bytes, at + 40),
                 .count = load<uint64_t>(bytes, at + 32)};
    limit = at;
  }
  if (directory.offset > limit || directory.size > limit - directory.offset) {
    return fail(damaged("", "the directory lies outside the file"));
  }
  if (directory.count > directory.size / kEntrySize) {
    return fail(damaged("", fmt::format("{} entries do not fit into a directory of {} bytes",
                                        directory.count, directory.size)));
  }
  entries_.reserve(directory.count);
  uint64_t at = directory.offset;
  const uint64_t stop = directory.offset + directory.size;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (stop - at < kEntrySize || load<uint32_t>(bytes, at) != kEntrySignature) {
      return fail(damaged("", fmt::format("directory entry {} is damaged", i)));
    }
    const size_t name_size = load<uint16_t>(bytes, at + 28),
                 extra_size = load<uint16_t>(bytes, at + 30),
                 comment_size = load<uint16_t>(bytes, at + 32);
    if (stop - at - kEntrySize < name_size + extra_size + comment_size) {
      return fail(damaged("", fmt::format("directory entry {} is cut short", i)));
    }
    ZipEntry entry{.name = std::string(file_.text().substr(at + kEntrySize, name_size)),
                   .method = load<uint16_t>(bytes, at + 10),
                   .flags = load<uint16_t>(bytes, at + 8),
                   .crc = load<uint32_t>(bytes, at + 16),
                   .compressed_size = load<uint32_t>(bytes, at + 20),
                   .size = load<uint32_t>(bytes, at + 24),
                   .header_offset = load<uint32_t>(bytes, at + 42)};
    // Fields that are all ones have their value in the zip64 extra field, in this order.
    size_t extra = at + kEntrySize + name_size;
    const size_t extra_end = extra + extra_size;
    while (extra_end - extra >= 4) {
      const size_t length = load<uint16_t>(bytes, extra + 2);
      if (extra_end - extra - 4 < length) break;
      if (load<uint16_t>(bytes, extra) == kZip64Extra) {
        size_t field = extra + 4;
        for (uint64_t* value : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
          if (*value != 0xffffffff || extra + 4 + length - field < 8) continue;
          *value = load<uint64_t>(bytes, field);
          field += 8;
        }
      }
      extra += 4 + length;
    }
    at += kEntrySize + name_size + extra_size + comment_size;
    entries_.push_back(std::move(entry));
  }
  TRY(place_entries(directory.offset));
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!index_.emplace(entries_[i].name, i).second) {
      return fail(damaged(entries_[i].name, "two entries have this name"));
    }
  }
  return {};
}

// Finds each entry's bytes and refuses entries that share bytes with each other or with the
// directory.
Status ZipReader::place_entries(uint64_t limit) {
  const auto bytes = file_.bytes();
  std::vector<ZipEntry*> order;
  order.reserve(entries_.size());
  for (ZipEntry& entry : entries_) order.push_back(&entry);
  std::ranges::sort(order, {}, &ZipEntry::header_offset);
  uint64_t free = 0;  // the first byte that belongs to no entry yet
  for (ZipEntry* entry : order) {
    const uint64_t at = entry->header_offset;
    if (at > limit || limit - at < kLocalSize || load<uint32_t>(bytes, at) != kLocalSignature) {
      return fail(damaged(entry->name, fmt::format("no entry starts at offset {}", at)));
    }
    if (at < free) return fail(damaged(entry->name, "it overlaps another entry"));
    const uint64_t name_size = load<uint16_t>(bytes, at + 26),
                   extra_size = load<uint16_t>(bytes, at + 28);
    if (limit - at - kLocalSize < name_size + extra_size) {
      return fail(damaged(entry->name, "its header reaches into the directory"));
    }
    if (file_.text().substr(at + kLocalSize, name_size) != entry->name) {
      return fail(
          damaged(entry->name, "the directory and the entry's header disagree about its name"));
    }
    entry->data_offset = at + kLocalSize + name_size + extra_size;
    if (limit - entry->data_offset < entry->compressed_size) {
      return fail(
          damaged(entry->name, fmt::format("it is cut short: {} of {} bytes are there",
                                           limit - entry->data_offset, entry->compressed_size)));
    }
    free = entry->data_offset + entry->compressed_size;
  }
  return {};
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

namespace {

// Fills `out` exactly; returns why it could not, or an empty string.
std::string inflate_into(std::span<const std::byte> in, std::span<std::byte> out) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return "zlib could not be started";
  constexpr size_t kStep = size_t{1} << 30;  // zlib counts in 32 bits
  int status = Z_OK;
  std::byte overflow{};  // one byte more than declared proves that the entry is longer
  size_t produced = 0;
  while (status == Z_OK) {
    if (stream.avail_in == 0) {
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
      stream.avail_in = static_cast<uInt>(std::min(in.size(), kStep));
      in = in.subspan(stream.avail_in);
    }
    const bool full = produced == out.size();
    const size_t room = full ? 1 : std::min(out.size() - produced, kStep);
    stream.next_out = reinterpret_cast<Bytef*>(full ? &overflow : out.data() + produced);
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    const size_t wrote = room - stream.avail_out;
    if (full && wrote > 0) {
      inflateEnd(&stream);
      return fmt::format("it inflates to more than the {} bytes that it declares", out.size());
    }
    produced += wrote;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) return "its compressed bytes are damaged";
  if (produced != out.size())
    return fmt::format("it inflates to {} of {} bytes", produced, out.size());
  return "";
}

uint32_t checksum(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Result<Blob> ZipReader::read(const ZipEntry& entry, Verify verify) const {
  if ((entry.flags & 1) != 0) return fail(damaged(entry.name, "it is encrypted"));
  if (entry.method != 0 && entry.method != 8) {
    Error error = damaged(entry.name, fmt::format("it uses compression method {}", entry.method));
    error.hint = "write the archive stored or deflated";
    return fail(std::move(error));
  }
  if (entry.size > kMaxEntrySize) {
    return fail(damaged(entry.name, fmt::format("it declares {} bytes; at most {} are read",
                                                entry.size, kMaxEntrySize)));
  }
  Blob raw = file_.slice(entry.data_offset, entry.compressed_size);
  if (entry.method == 0) {
    if (entry.size != entry.compressed_size) {
      return fail(damaged(entry.name, "it is stored, but its two sizes differ"));
    }
    const bool check =
        verify == Verify::always || (verify == Verify::automatic && entry.size <= kVerifiedSize);
    if (check && checksum(raw.bytes()) != entry.crc)
      return fail(damaged(entry.name, "its checksum is wrong"));
    return raw;
  }
  const std::lock_guard lock(cache_->mutex);
  Blob& kept = cache_->inflated[static_cast<size_t>(&entry - entries_.data())];
  if (kept.data != nullptr) return kept;
  if (entry.size > (entry.compressed_size + 16) * kMaxDeflateRatio) {
    return fail(damaged(entry.name, fmt::format("{} bytes cannot come from {} compressed ones",
                                                entry.size, entry.compressed_size)));
  }
  NewBlob blob = TRY(allocate_blob(entry.size));
  if (std::string why = inflate_into(raw.bytes(), blob.bytes()); !why.empty()) {
    return fail(damaged(entry.name, std::move(why)));
  }
  if (verify != Verify::never && checksum(blob.bytes()) != entry.crc) {
    return fail(damaged(entry.name, "its checksum is wrong"));
  }
  kept = std::move(blob).share();
  return kept;
}

Result<Blob> ZipReader::read(std::string_view name, Verify verify) const {
  const ZipEntry* entry = find(name);
  if (entry == nullptr) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "an entry is missing from the archive",
                 .where = {.file = path_, .node = std::string(name)},
                 .why = fmt::format("the archive's {} entries do not include it", entries_.size()),
                 .hint = "save the model again"});
  }
  return read(*entry, verify);
}

}  // namespace tenon::archive
