// A folder that is written whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tenon {

// Stands beside the one that is wanted, under a name of its own, and takes its place when all is in
// it. A folder that is there and not empty is refused.
class AtomicFolder {
 public:
  static Result<AtomicFolder> create(const std::string& path);
  AtomicFolder(AtomicFolder&& other) noexcept;
  AtomicFolder& operator=(AtomicFolder&&) = delete;
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  ~AtomicFolder();  // removes it unless commit() succeeded

  std::string file(const std::string& name) const { return temporary_ + "/" + name; }
  // Makes the folders on the way.
  Status write(const std::string& name, std::string_view text, bool executable = false) const;
  Status commit();

 private:
  AtomicFolder() = default;
  std::string path_, temporary_;
};

}  // namespace tenon
