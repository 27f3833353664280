#include "base/atomic_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/scratch_folder.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;

TEST(AtomicFolder, AppearsWholeOrNotAtAll) {
  const auto scratch = ScratchFolder::make();
  ASSERT_TRUE(scratch);
  const std::string path = scratch->file("out");
  {
    const auto folder = AtomicFolder::create(path);
    ASSERT_TRUE(folder);
    ASSERT_TRUE(folder->write("a/b.txt", "text"));
    EXPECT_FALSE(fs::exists(path));
  }
  EXPECT_TRUE(fs::is_empty(fs::path(path).parent_path()));
  auto folder = AtomicFolder::create(path + "/");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(folder->write("a/run.sh", "text", true));
  ASSERT_TRUE(folder->commit());
  EXPECT_EQ(fs::file_size(path + "/a/run.sh"), 4u);
  EXPECT_NE(fs::status(path + "/a/run.sh").permissions() & fs::perms::owner_exec, fs::perms::none);
}

TEST(AtomicFolder, DoesNotReplaceWhatIsThere) {
  const auto scratch = ScratchFolder::make();
  ASSERT_TRUE(scratch);
  const std::string path = scratch->file("out");
  fs::create_directory(path);
  EXPECT_TRUE(AtomicFolder::create(path));  // an empty one is nobody's work
  std::ofstream(path + "/work") << "mine";
  const auto refused = AtomicFolder::create(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  EXPECT_FALSE(AtomicFolder::create(scratch->file("no/such/place")));
}

}  // namespace
}  // namespace tenon
