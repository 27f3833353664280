#include "base/shape_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tenon {
namespace {

using testing::HasSubstr;

DimSpec fixed(int64_t size) { return {.symbol = {}, .size = size, .min = {}, .max = {}}; }

std::vector<InputSpec> parsed(std::string_view text) {
  auto specs = parse_shapes(text);
  EXPECT_TRUE(specs) << text << ": " << (specs ? "" : specs.error().message());
  return specs ? *specs : std::vector<InputSpec>{};
}

TEST(ShapeSpec, ReadsTrtexecsForm) {
  EXPECT_EQ(parsed("image:1x3x360x640,other:4,scalar:"),
            (std::vector<InputSpec>{{"image", {fixed(1), fixed(3), fixed(360), fixed(640)}, {}},
                                    {"other", {fixed(4)}, {}},
                                    {"scalar", {}, {}}}));
}

TEST(ShapeSpec, TakesTheLastColonOfAPlainEntry) {
  EXPECT_EQ(parsed("input:0:1x3"), (std::vector<InputSpec>{{"input:0", {fixed(1), fixed(3)}, {}}}));
}

TEST(ShapeSpec, ReadsBracketsWithNamesRangesAndTypes) {
  const DimSpec batch{"batch", std::nullopt, 1, 8}, seq{"seq", 128, 1, 512}, best{"n", 4, {}, {}},
      height{"H", {}, {}, {}};
  EXPECT_EQ(parsed("ids[batch=1..8, seq=1..128..512]:i64, 'Input:0'[1,3,H,n=4]:float32,s[]"),
            (std::vector<InputSpec>{{"ids", {batch, seq}, DType::i64},
                                    {"Input:0", {fixed(1), fixed(3), height, best}, DType::f32},
                                    {"s", {}, {}}}));
}

TEST(ShapeSpec, NothingIsNothing) { EXPECT_TRUE(parsed("").empty()); }

TEST(ShapeSpec, SaysWhatIsWrong) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"image:1xx3", "'' in the shape of 'image' is no size"},
      {"image:1xHx3", "'H' in the shape of 'image' is no size"},
      {"image:-1x3", "'-1'"},
      {"image:99999999999999999999", "no size"},
      {"image", "no ':' or '['"},
      {"image[", "neither a size nor a name"},
      {"image[1,2", "has no ']'"},
      {"image[1]x", "'x' follows"},
      {"image[1]:f31", "'f31' is no element type"},
      {"image[n=8..1]", "do not increase"},
      {"image[n=1..x]", "no range"},
      {"image[n=1..2..3..4]", "no range"},
      {":1x2", "no name"},
      {"'a:1", "no end"},
      {"a:1,", "missing after the last comma"},
      {"a:1,a:2", "named twice"},
  };
  for (const auto& [text, why] : cases) {
    const auto specs = parse_shapes(text);
    ASSERT_FALSE(specs) << text;
    EXPECT_EQ(specs.error().kind, ErrorKind::usage);
    EXPECT_THAT(specs.error().message(), HasSubstr(text));
    EXPECT_THAT(specs.error().why, HasSubstr(why)) << text;
    EXPECT_FALSE(specs.error().hint.empty());
  }
}

}  // namespace
}  // namespace tenon
