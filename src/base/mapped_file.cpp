#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tenon {

Result<MappedFile> MappedFile::open(const std::string& path) {
  auto failed = [&](const std::string& why, ErrorKind kind = ErrorKind::bad_file) {
    return fail({.kind = kind,
                 .what = "cannot read the file",
                 .where = {.file = path},
                 .why = why,
                 .hint = "check the path and its permissions"});
  };
  // Opening a pipe that nobody writes to would wait for ever.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed(std::strerror(errno));
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return failed("it is not a regular file");
  }
  MappedFile file;
  file.path_ = path;
  file.size_ = static_cast<size_t>(info.st_size);
  if (file.size_ > 0) {
    void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      const int reason = errno;
      ::close(fd);
      return failed(std::strerror(reason), ErrorKind::resource);
    }
    file.data_ = {static_cast<const std::byte*>(data), [size = file.size_](const std::byte* p) {
                    ::munmap(const_cast<std::byte*>(p), size);
                  }};
  }
  ::close(fd);
  return file;
}

Error AtomicFile::failure(const std::string& action) const {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT;
  return {.kind = full ? ErrorKind::resource : ErrorKind::usage,
          .what = "cannot " + action + " the output file",
          .where = {.file = path_},
          .why = std::strerror(reason),
          .hint = full ? "free some space or choose another path"
                       : "choose a path that can be written"};
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  AtomicFile file;
  file.path_ = path;
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return fail(file.failure("create"));
  }
  file.temporary_ = path + ".tmp-XXXXXX";
  file.fd_ = ::mkostemp(file.temporary_.data(), O_CLOEXEC);
  if (file.fd_ < 0) return fail(file.failure("create"));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(file.fd_, 0666 & ~mask);
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(other.fd_),
      size_(other.size_) {
  other.fd_ = -1;
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

Status AtomicFile::reserve(size_t size) {
  if (size == 0 || ::fallocate(fd_, 0, 0, static_cast<off_t>(size)) == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR) return {};  // then as it is written
  return fail(failure("write"));
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  TRY(write_at(size_, bytes));
  size_ += bytes.size();
  return {};
}

namespace {

// What a mapped file's pages are fetched by. A page that the system has to fetch in the middle of a
// write interrupts the copying: fetched beforehand, weights are written in less than half the time.
constexpr size_t kFetched = size_t{4} << 20;

void fetch(std::span<const std::byte> bytes) {
  if (bytes.size() < kFetched / 64) return;
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const size_t before = reinterpret_cast<uintptr_t>(bytes.data()) % page;
  // Older systems do not know this advice; nothing is lost then.
  (void)::madvise(const_cast<std::byte*>(bytes.data()) - before, bytes.size() + before,
                  MADV_POPULATE_READ);
}

}  // namespace

Status AtomicFile::write_at(size_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kFetched));
    fetch(part);
    const ssize_t n = ::pwrite(fd_, part.data(), part.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail(failure("write"));
    }
    offset += static_cast<size_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status AtomicFile::commit() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return fail(failure("move into place"));
  ::close(fd_);
  fd_ = -1;
  return {};
}

}  // namespace tenon
