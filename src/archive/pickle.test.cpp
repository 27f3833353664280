#include "archive/pickle.h"

#include <filesystem>

#include "archive/testdata.h"
#include "base/error.h"

namespace tenon::pickle {
namespace {

using archive::blob_of;
using archive::contents;
using archive::expect_complete;

Result<Pickle> parse(std::string_view text, const Limits& limits = {}) {
  return Pickle::parse(blob_of(text), {.file = "test", .node = "data.pkl"}, limits);
}

void expect_refused(std::string_view text, std::string_view why) {
  const auto result = parse(text);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().why.find(why), std::string::npos) << result.error().message();
  expect_complete(result.error());
}

using namespace std::string_view_literals;

class PickleProtocol : public testing::TestWithParam<int> {};

TEST_P(PickleProtocol, EveryKindOfValue) {
  const auto pickle = parse(contents(fmt::format("values_{}.pkl", GetParam())));
  ASSERT_TRUE(pickle) << pickle.error().message();
  const Value& root = pickle->root();
  ASSERT_TRUE(root.is(Kind::dict));
  EXPECT_FALSE(pickle->cyclic());
  EXPECT_TRUE(root.get("none")->is(Kind::none));
  EXPECT_TRUE(root.get("yes")->is(Kind::boolean));
  EXPECT_EQ(root.get("yes")->integer, 1);
  EXPECT_EQ(root.get("int")->integer, -5);
  EXPECT_EQ(root.get("long")->integer, -(int64_t{1} << 40));
  EXPECT_TRUE(root.get("big")->is(Kind::big_integer));
  EXPECT_EQ(root.get("big")->text, "\0\0\0\0\0\0\0\0\x40"sv);
  EXPECT_EQ(root.get("float")->real, 1.5);
  EXPECT_EQ(root.get("text")->text,
            "gr\xc3\xbc\xc3\x9f"
            "e");
  EXPECT_EQ(print(*root.get("tuple")), "(1, (2, 3), ())");
  EXPECT_EQ(print(*root.get("list")), "[1, [2]]");
  EXPECT_EQ(root.get("list"), root.get("again"));
  EXPECT_EQ(print(*root.get("ordered")), "{'a': 1}");
  EXPECT_EQ(root.get("class")->qualified_name(), "_io.BytesIO");
  EXPECT_EQ(root.get("complex")->qualified_name(),
            GetParam() == 2 ? "__builtin__.complex" : "builtins.complex");
  if (GetParam() > 2) {
    EXPECT_TRUE(root.get("bytes")->is(Kind::bytes));
    EXPECT_EQ(root.get("bytes")->text, "\0\xff"sv);
  }
  EXPECT_EQ(root.get("missing"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(All, PickleProtocol, testing::Values(2, 3, 4, 5));

TEST(Pickle, CallsAreNotMade) {
  const auto pickle = parse(contents("system.pkl"));
  ASSERT_TRUE(pickle) << pickle.error().message();
  EXPECT_TRUE(pickle->root().is_call("os", "system"));
  EXPECT_EQ(print(pickle->root()), "os.system('touch oops',)");
  EXPECT_FALSE(std::filesystem::exists("oops"));
}

TEST(Pickle, CyclesAreFoundAndSafe) {
  const auto pickle = parse(contents("cyclic.pkl"));
  ASSERT_TRUE(pickle) << pickle.error().message();
  EXPECT_TRUE(pickle->cyclic());
  EXPECT_EQ(pickle->root().items[1], &pickle->root());
  EXPECT_EQ(print(pickle->root(), 20), "[1, [1, [1, [1, [1, ...");
}

TEST(Pickle, DepthIsBounded) {
  expect_refused(contents("deep.pkl"), "more than 2000 deep");
  const auto pickle = parse(contents("deep.pkl"), {.depth = 3000});
  ASSERT_TRUE(pickle) << pickle.error().message();
  EXPECT_EQ(print(pickle->root(), 5), "[[[[[...");
}

TEST(Pickle, AMillionLevelsNeedNoStack) {
  std::string text = "\x80\x02" + std::string(1000000, ']') + std::string(999999, 'a') + ".";
  EXPECT_FALSE(parse(text));
  EXPECT_TRUE(parse(text, {.depth = 1000000}));
}

TEST(Pickle, EveryTruncationIsRefused) {
  for (int protocol : {2, 3, 4, 5}) {
    const std::string whole = contents(fmt::format("values_{}.pkl", protocol));
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(parse(std::string_view(whole).substr(0, size))) << protocol << " " << size;
    }
  }
}

TEST(Pickle, NoFlippedByteIsUnsafe) {
  const std::string whole = contents("values_4.pkl");
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto pickle = parse(damaged);
      if (pickle)
        print(pickle->root(), 1000);
      else
        ++refused;
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST(Pickle, DamageIsExplained) {
  expect_refused("", "no end");
  expect_refused("\x80\x02.", "stack is empty");
  expect_refused("\x80\x02t.", "mark is missing");
  expect_refused("\x80\x02h\x05.", "memo 5 is not set");
  expect_refused("\x80\x02r\xff\xff\xff\xff.", "stack is empty");
  expect_refused("\x80\x02Nr\xff\xff\xff\x7f.", "memo number 2147483647 is too large");
  expect_refused(
      "\x80\x02X\xff\xff\xff\x7f"
      "abc.",
      "2147483647 bytes are announced and 4 are left");
  expect_refused(
      "\x80\x02K\x01K\x02"
      "a.",
      "appended to a int");
  expect_refused("\x80\x02}K\x01s.", "stack is empty");
  expect_refused("\x80\x07N.", "protocol 7");
  expect_refused("\x80\x02(cos\nsystem\n)o.", "opcode 0x6f is not allowed");
  expect_refused("\x80\x02\x82\x01.", "opcode 0x82 is not allowed");
  expect_refused(
      "\x80\x02"
      "cos\nsystem\nK\x01R.",
      "no tuple");
  // The values below a mark are out of reach for what stands above it.
  expect_refused(
      "\x80\x02](K\x01"
      "a.",
      "stack is empty");
}

TEST(Pickle, SizeIsBounded) {
  const auto result = Pickle::parse(blob_of("\x80\x02N."), {.file = "test"}, {.bytes = 3});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().why.find("more than 3"), std::string::npos);
}

TEST(Pickle, BytesAfterTheEndAreLeft) {
  const auto pickle = parse("\x80\x02N.rest");
  ASSERT_TRUE(pickle);
  EXPECT_EQ(pickle->size(), 4u);
}

}  // namespace
}  // namespace tenon::pickle
