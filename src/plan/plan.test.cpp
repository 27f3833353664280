// What is written is read again; what was damaged is refused.
#include "plan/plan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>

#include "ir/builder.h"
#include "ir/printer.h"
#include "ops/conv/conv.h"
#include "ops/tables.h"
#include "plan/checksum.h"
#include "plan/format.h"

namespace tenon::plan {
namespace {

const ir::OpSet& operators() {
  static const ir::OpSet instance(ops::op_table());
  return instance;
}

std::unique_ptr<ir::Graph> sample() {
  auto graph = std::make_unique<ir::Graph>();
  graph->symbols = {{.name = "n", .range = {1, 8}, .opt = 2}};
  ir::Builder b(*graph, operators());
  b.set_origin(std::make_shared<ir::Origin>(ir::Origin{"layer1.0", {{"net.py", 12, "forward"}}}));
  ir::Value* x =
      graph->add_input("x", ir::Type::tensor(DType::f32, ir::Shape{ir::Dim::symbol("n"), 3, 8, 8}));
  graph->symbols[0].source = x;
  graph->symbols[0].axis = 0;
  Tensor w = Tensor::zeros(DType::f32, {4, 3, 3, 3});
  for (size_t i = 0; i < 108; ++i) w.mutable_values<float>()[i] = static_cast<float>(i);
  ir::Value* y = b.emit(ops::Conv{.kernel_shape = {3, 3}}, {x, b.constant(w, "conv.weight")});
  y = b.emit_named("Relu", {y});
  ir::Value* shape = b.shape(std::vector<ir::Dim>{ir::Dim::symbol("n") * 2, -1});
  graph->add_output(b.emit_named("Reshape", {y, shape}));
  graph->guards.push_back({.lhs = mod(ir::Dim::symbol("n"), 2),
                           .relation = ir::Guard::Relation::le,
                           .rhs = 1,
                           .reason = "a test"});
  graph->metadata = {{"producer", "tests"}};
  ir::assign_names(*graph);
  EXPECT_TRUE(b.status());
  return graph;
}

std::shared_ptr<std::byte> aligned(size_t bytes) {
  return {static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 127) / 64 * 64)), std::free};
}

struct File {
  std::string path = (std::filesystem::temp_directory_path() / "tenon_plan_test.tenon").string();
  std::vector<char> bytes;

  File() {
    const auto graph = sample();
    const std::map<std::string, std::string, std::less<>> tactics{{"Conv_0", "winograd"}};
    auto packed = aligned(1000);
    std::memset(packed.get(), 7, 1000);
    const View view{.graph = *graph,
                    .library = "lib 1",
                    .isa = "isa",
                    .threads = 2,
                    .disabled = {"fusion"},
                    .tactics = tactics,
                    .packed = {{"conv.weight", std::string("k\0ey", 4), packed, 1000}}};
    const auto ok = write(path, view);
    EXPECT_TRUE(ok) << ok.error().message();
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  ~File() { std::filesystem::remove(path); }
};

Result<Contents> parse(const std::vector<char>& bytes) {
  auto memory = aligned(bytes.size());
  if (!bytes.empty()) std::memcpy(memory.get(), bytes.data(), bytes.size());
  return read({memory.get(), bytes.size()}, memory, operators());
}

// Without the numbers of values, which follow the order of making them.
std::string text(const ir::Graph& graph) {
  return std::regex_replace(ir::print(graph), std::regex("%[0-9]+"), "%");
}

TEST(Plan, ComesBackAsItWas) {
  const File file;
  auto read_back = parse(file.bytes);
  ASSERT_TRUE(read_back) << read_back.error().message();
  EXPECT_EQ(text(*read_back->graph), text(*sample()));
  EXPECT_EQ(read_back->graph->guards[0].str(), sample()->guards[0].str());
  EXPECT_EQ(read_back->graph->symbols[0].opt, 2);
  EXPECT_EQ(read_back->graph->metadata, sample()->metadata);
  EXPECT_EQ(read_back->graph->nodes().front()->where().source, "net.py:12 in forward");
  EXPECT_EQ(read_back->tactics.at("Conv_0"), "winograd");
  EXPECT_EQ(read_back->disabled, std::vector<std::string>{"fusion"});
  ASSERT_EQ(read_back->packed.size(), 1u);
  EXPECT_EQ(read_back->packed[0].key, std::string("k\0ey", 4));
  EXPECT_EQ(read_back->packed[0].bytes, 1000u);
  EXPECT_EQ(read_back->packed[0].data.get()[999], std::byte{7});
}

TEST(Plan, WritesTheSameBytesEachTime) { EXPECT_EQ(File().bytes, File().bytes); }

TEST(Plan, RefusesFilesCutShort) {
  const File file;
  for (size_t n = 0; n < file.bytes.size(); n += n < 200 ? 1 : 97) {
    auto result = parse({file.bytes.begin(), file.bytes.begin() + static_cast<ptrdiff_t>(n)});
    ASSERT_FALSE(result) << n;
    EXPECT_EQ(result.error().kind, ErrorKind::bad_file);
    EXPECT_FALSE(result.error().hint.empty());
  }
}

// Bits of padding between the parts are the only ones that do not matter.
TEST(Plan, RefusesFlippedBits) {
  const File file;
  size_t accepted = 0;
  for (size_t i = 0; i < file.bytes.size(); ++i) {
    auto bytes = file.bytes;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    auto result = parse(bytes);
    if (result) {
      ++accepted;
      EXPECT_EQ(file.bytes[i], 0) << "byte " << i;
    } else {
      EXPECT_EQ(result.error().kind, ErrorKind::bad_file);
    }
  }
  EXPECT_LE(accepted, 4 * 64u);
}

TEST(Plan, NamesAnotherVersion) {
  const File file;
  auto bytes = file.bytes;
  bytes[8] = 99;
  auto result = parse(bytes);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("format version is 99"), std::string::npos);
}

TEST(Plan, RefusesOtherFiles) {
  auto result = parse({'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "the file is not a plan");
}

// A header changed at random, its checksums made right again: no crash, whatever it says.
TEST(Plan, SurvivesHostileHeaders) {
  const File file;
  Prologue prologue;
  std::memcpy(&prologue, file.bytes.data(), sizeof prologue);
  std::mt19937 random(3);
  int refused = 0;
  constexpr int kRounds = 3000;
  for (int round = 0; round < kRounds; ++round) {
    auto bytes = file.bytes;
    for (int i = 0; i < 1 + round % 4; ++i) {
      const size_t at = prologue.header_offset + random() % prologue.header_size;
      bytes[at] = static_cast<char>(round % 2 ? random() : bytes[at] + 1);
    }
    Prologue changed = prologue;
    changed.header_checksum = checksum(
        std::as_bytes(std::span(bytes)).subspan(prologue.header_offset, prologue.header_size));
    changed.own_checksum = checksum(prologue_bytes(changed));
    std::memcpy(bytes.data(), &changed, sizeof changed);
    refused += parse(bytes) ? 0 : 1;
  }
  EXPECT_GT(refused, kRounds / 4);
}

}  // namespace
}  // namespace tenon::plan
