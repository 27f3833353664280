#include "archive/zip.h"

#include <filesystem>

#include "archive/testdata.h"
#include "archive/zip_writer.h"

namespace tenon::archive {
namespace {

Result<ZipReader> open_text(std::string_view text) {
  return ZipReader::open(blob_of(text), "test.zip");
}

template <class T>
void poke(std::string& text, size_t at, T value) {
  std::memcpy(text.data() + at, &value, sizeof value);
}

// Offset of the directory entry of `name`.
size_t directory_entry(const std::string& zip, const std::string& name) {
  return zip.rfind(name) - 46;
}

void expect_refused(const Result<ZipReader>& zip, std::string_view why) {
  ASSERT_FALSE(zip);
  EXPECT_EQ(zip.error().kind, ErrorKind::bad_file);
  EXPECT_NE(zip.error().why.find(why), std::string::npos) << zip.error().message();
  expect_complete(zip.error());
}

TEST(Zip, StoredEntriesShareTheMapping) {
  const auto file = MappedFile::open(testdata("scripted.pt"));
  ASSERT_TRUE(file);
  const auto zip = ZipReader::open(*file);
  ASSERT_TRUE(zip) << zip.error().message();
  const auto weight = zip->read("scripted/data/1");
  ASSERT_TRUE(weight) << weight.error().message();
  EXPECT_EQ(weight->size, 48u);
  EXPECT_GE(weight->data.get(), file->bytes().data());
  EXPECT_LT(weight->data.get(), file->bytes().data() + file->bytes().size());
  EXPECT_EQ(zip->read("scripted/version")->text(), "3\n");
}

TEST(Zip, DeflatedEntriesHaveTheSameBytesAndAreInflatedOnce) {
  const auto stored = ZipReader::open(testdata("scripted.pt"));
  const auto deflated = ZipReader::open(testdata("scripted_deflated.pt"));
  ASSERT_TRUE(stored && deflated);
  ASSERT_EQ(stored->entries().size(), deflated->entries().size());
  for (const ZipEntry& entry : stored->entries()) {
    const auto a = stored->read(entry, Verify::always);
    const auto b = deflated->read(entry.name, Verify::always);
    ASSERT_TRUE(a && b) << entry.name;
    EXPECT_EQ(a->text(), b->text()) << entry.name;
    EXPECT_EQ(b->data, deflated->read(entry.name)->data);
  }
}

TEST(Zip, MissingEntryIsNamed) {
  const auto zip = ZipReader::open(testdata("scripted.pt"));
  const auto entry = zip->read("nowhere");
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().where.node, "nowhere");
  expect_complete(entry.error());
}

TEST(Zip, EveryTruncationIsRefused) {
  const std::string whole = contents("scripted.pt");
  for (size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_FALSE(open_text(std::string_view(whole).substr(0, size))) << size;
  }
}

TEST(Zip, NoFlippedByteIsUnsafe) {
  const std::string whole = contents("scripted_deflated.pt");
  size_t noticed = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    const auto zip = open_text(damaged);
    bool fine = zip.has_value();
    if (zip) {
      for (const ZipEntry& entry : zip->entries())
        fine = zip->read(entry, Verify::always).has_value() && fine;
    }
    noticed += !fine;
  }
  EXPECT_GT(noticed, whole.size() / 2);
}

TEST(Zip, WrongChecksum) {
  std::string text = contents("scripted.pt");
  const size_t at = text.find("class Small");
  if (at != std::string::npos) text[at] = 'X';
  text[text.find("3\n", text.find("scripted/version"))] = '4';
  const auto zip = open_text(text);
  ASSERT_TRUE(zip);
  const auto entry = zip->read("scripted/version");
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().why, "its checksum is wrong");
  EXPECT_TRUE(zip->read("scripted/version", Verify::never));
}

TEST(Zip, OverlappingEntriesAreRefused) {
  std::string text = contents("scripted.pt");
  const size_t first = directory_entry(text, "scripted/data/0");
  const size_t second = directory_entry(text, "scripted/data/1");
  // The first entry claims all up to beyond the second one's start.
  uint32_t offset = 0;
  std::memcpy(&offset, text.data() + second + 42, 4);
  poke<uint32_t>(text, first + 20, offset);
  poke<uint32_t>(text, first + 24, offset);
  expect_refused(open_text(text), "overlaps");
}

TEST(Zip, TwoNamesForOneEntryAreRefused) {
  std::string text = contents("scripted.pt");
  const size_t first = directory_entry(text, "scripted/data/0");
  const size_t second = directory_entry(text, "scripted/data/1");
  std::memcpy(text.data() + second + 42, text.data() + first + 42, 4);
  EXPECT_FALSE(open_text(text));
}

TEST(Zip, OffsetOutsideTheFileIsRefused) {
  std::string text = contents("scripted.pt");
  poke<uint32_t>(text, directory_entry(text, "scripted/data/0") + 42, 0x7fffffff);
  expect_refused(open_text(text), "no entry starts");
}

TEST(Zip, BombsAreRefusedBeforeMemoryIsTaken) {
  std::string text = contents("scripted_deflated.pt");
  const size_t at = directory_entry(text, "scripted/constants.pkl");
  poke<uint32_t>(text, at + 24, 0xfffffff0);
  const auto zip = open_text(text);
  ASSERT_TRUE(zip) << zip.error().message();
  const auto entry = zip->read("scripted/constants.pkl");
  ASSERT_FALSE(entry);
  EXPECT_NE(entry.error().why.find("cannot come from"), std::string::npos)
      << entry.error().message();
}

TEST(Zip, EntryLongerThanDeclaredIsRefused) {
  std::string text = contents("scripted_deflated.pt");
  poke<uint32_t>(text, directory_entry(text, "scripted/data.pkl") + 24, 10);
  const auto zip = open_text(text);
  ASSERT_TRUE(zip) << zip.error().message();
  const auto entry = zip->read("scripted/data.pkl");
  ASSERT_FALSE(entry);
  EXPECT_NE(entry.error().why.find("more than the 10 bytes"), std::string::npos)
      << entry.error().message();
}

TEST(Zip, DirectoryOfImpossibleSizeIsRefused) {
  std::string text = contents("scripted.pt");
  poke<uint64_t>(text, text.rfind("PK\x06\x06") + 32,
                 0xffff);  // PyTorch always writes zip64 records
  expect_refused(open_text(text), "do not fit");
}

TEST(Zip, OtherFilesAreRefused) {
  expect_refused(open_text(""), "too short");
  expect_refused(open_text(std::string(100, 'x')), "directory is missing");
}

TEST(ZipWriter, WritesWhatTheReaderReadsAligned) {
  const std::string path = testing::TempDir() + "tenon_zip_writer.zip";
  const std::string big(1000, 'b');
  {
    auto writer = ZipWriter::create(path);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add("a.npy", std::as_bytes(std::span<const char>("hello", 5))));
    ASSERT_TRUE(writer->add("folder/b", std::as_bytes(std::span(big))));
    ASSERT_TRUE(writer->add("empty", {}));
    ASSERT_TRUE(writer->finish());
  }
  const auto zip = ZipReader::open(path);
  ASSERT_TRUE(zip) << zip.error().message();
  EXPECT_EQ(zip->read("a.npy", Verify::always)->text(), "hello");
  EXPECT_EQ(zip->read("folder/b", Verify::always)->text(), big);
  EXPECT_EQ(zip->read("empty", Verify::always)->size, 0u);
  for (const ZipEntry& entry : zip->entries()) EXPECT_EQ(entry.data_offset % 64, 0u) << entry.name;
  std::filesystem::remove(path);
}

TEST(ZipWriter, NothingIsLeftWithoutFinish) {
  const std::string folder = testing::TempDir() + "tenon_zip_unfinished";
  std::filesystem::create_directory(folder);
  {
    auto writer = ZipWriter::create(folder + "/out.zip");
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add("a", {}));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
}

}  // namespace
}  // namespace tenon::archive
