#include "cli/duration.h"

#include <gtest/gtest.h>

namespace tenon::cli {
namespace {

TEST(Duration, CarriesItsUnit) {
  EXPECT_DOUBLE_EQ(parse_duration("5s", "--duration")->count(), 5);
  EXPECT_DOUBLE_EQ(parse_duration("200ms", "--duration")->count(), 0.2);
  EXPECT_DOUBLE_EQ(parse_duration("1.5min", "--duration")->count(), 90);
  for (const char* text : {"5", "s", "-1s", "5 s", "nans", "1e9s", "5h"}) {
    const auto duration = parse_duration(text, "--duration");
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().kind, ErrorKind::usage);
    EXPECT_FALSE(duration.error().hint.empty());
  }
}

}  // namespace
}  // namespace tenon::cli
