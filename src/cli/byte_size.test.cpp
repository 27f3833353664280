#include "cli/byte_size.h"

#include <gtest/gtest.h>

namespace tenon::cli {
namespace {

TEST(ByteSize, ReadsUnits) {
  EXPECT_EQ(parse_bytes("512M", "--x"), uint64_t{512} << 20);
  EXPECT_EQ(parse_bytes("2G", "--x"), uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("1.5GiB", "--x"), uint64_t{3} << 29);
  EXPECT_EQ(parse_bytes("64KB", "--x"), uint64_t{64} << 10);
  EXPECT_EQ(parse_bytes("100B", "--x"), 100u);
  EXPECT_EQ(parse_bytes("100", "--x"), uint64_t{100} << 20);
}

TEST(ByteSize, RefusesTheRest) {
  for (const char* text : {"", "G", "-1G", "0", "1T", "1e300G", "nan"}) {
    const auto bytes = parse_bytes(text, "--workspace");
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().hint, "for example --workspace 2G");
  }
}

}  // namespace
}  // namespace tenon::cli
