// Where the tests of this folder find their files, and how they damage them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "archive/blob.h"
#include "base/mapped_file.h"

namespace tenon::archive {

inline std::string testdata(const std::string& name) {
  return TENON_SOURCE_DIR "/src/archive/testdata/" + name;
}

inline std::string contents(const std::string& name) {
  const auto file = MappedFile::open(testdata(name));
  EXPECT_TRUE(file) << name;
  return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
}

inline Blob blob_of(std::string_view text) { return std::move(copy_blob(text)).value(); }

// What every error owes its reader.
inline void expect_complete(const Error& error) {
  EXPECT_FALSE(error.what.empty());
  EXPECT_FALSE(error.where.file.empty() && error.where.node.empty()) << error.message();
  EXPECT_FALSE(error.why.empty()) << error.message();
  EXPECT_FALSE(error.hint.empty()) << error.message();
}

}  // namespace tenon::archive
