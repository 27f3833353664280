#include "archive/blob.h"

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace tenon::archive {

Result<NewBlob> allocate_blob(size_t size) {
  const size_t rounded = size / 64 * 64 + 64;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, rounded));
  if (memory == nullptr) {
    return fail({.kind = ErrorKind::resource,
                 .what = "not enough memory",
                 .why = fmt::format("{} bytes were needed at once", size),
                 .hint = "free some memory or use a machine with more"});
  }
  return NewBlob{{memory, [](std::byte* p) { std::free(p); }}, size};
}

Result<Blob> copy_blob(std::string_view text) {
  NewBlob blob = TRY(allocate_blob(text.size()));
  if (!text.empty()) std::memcpy(blob.data.get(), text.data(), text.size());
  return std::move(blob).share();
}

}  // namespace tenon::archive
