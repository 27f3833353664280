#include "base/scratch_folder.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace tenon {

Result<ScratchFolder> ScratchFolder::make() {
  std::error_code error;
  const auto base = std::filesystem::temp_directory_path(error);
  std::string path = (base / "tenon-XXXXXX").string();
  if (error || mkdtemp(path.data()) == nullptr) {
    return fail({.kind = ErrorKind::resource,
                 .what = "cannot make a folder for temporary files",
                 .where = {.file = path},
                 .why = "it cannot be written",
                 .hint = "set TMPDIR to a folder that can"});
  }
  return ScratchFolder(std::move(path));
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace tenon
