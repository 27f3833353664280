// A file mapped for reading.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"

namespace tenon {

class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  const std::string& path() const { return path_; }
  // Shares ownership of the mapping; the pointer is `bytes().data() + offset`.
  std::shared_ptr<const std::byte> share(size_t offset) const {
    return {data_, data_.get() + offset};
  }

 private:
  std::string path_;
  std::shared_ptr<const std::byte> data_;
  size_t size_ = 0;
};

// Writes to a temporary neighbour and renames it into place, so that no half-written file is ever
// left.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // removes the temporary file unless commit() succeeded

  // Takes the space for a file of this size at once: a full disk is found before anything is
  // written, and renaming over another file need not wait for the disk to choose its blocks.
  Status reserve(size_t size);
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  Status write_at(size_t offset, std::span<const std::byte> bytes);
  size_t size() const { return size_; }
  // Where the file is until commit(), for another program that writes it.
  const std::string& temporary() const { return temporary_; }
  Status commit();

 private:
  AtomicFile() = default;
  Error failure(const std::string& action) const;
  std::string path_, temporary_;
  int fd_ = -1;
  size_t size_ = 0;
};

}  // namespace tenon
