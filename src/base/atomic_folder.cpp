#include "base/atomic_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/mapped_file.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> refuse(const std::string& path, std::string why, std::string hint) {
  return fail({.kind = ErrorKind::usage,
               .what = "cannot write the folder",
               .where = {.file = path},
               .why = std::move(why),
               .hint = std::move(hint)});
}

}  // namespace

Result<AtomicFolder> AtomicFolder::create(const std::string& path) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (exists && !(fs::is_directory(path, error) && fs::is_empty(path, error)))
    return refuse(path, "there is something of this name already", "remove it, or name another");
  AtomicFolder out;
  out.path_ = path;
  while (out.path_.size() > 1 && out.path_.ends_with('/')) out.path_.pop_back();
  std::string temporary = out.path_ + ".tmp-XXXXXX";
  if (::mkdtemp(temporary.data()) == nullptr)
    return refuse(path, std::strerror(errno), "choose a path that can be written");
  out.temporary_ = std::move(temporary);
  return out;
}

AtomicFolder::AtomicFolder(AtomicFolder&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

Status AtomicFolder::write(const std::string& name, std::string_view text, bool executable) const {
  const std::string path = file(name);
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  AtomicFile out = TRY(AtomicFile::create(path));
  TRY(out.write(text));
  TRY(out.commit());
  if (executable) ::chmod(path.c_str(), 0755);
  return {};
}

Status AtomicFolder::commit() {
  ::chmod(temporary_.c_str(), 0755);
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) return refuse(path_, error.message(), "choose another folder");
  temporary_.clear();
  return {};
}

}  // namespace tenon
