#include "onnx/writer.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "ir/verifier.h"
#include "onnx/testing.h"
#include "ops/activation/activation.h"
#include "ops/einsum/einsum.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/scatter_nd/scatter_nd.h"

namespace tenon::onnx {
namespace {

using namespace testing;
namespace fs = std::filesystem;
using ir::Dim;
using ir::Type;
using ir::Value;

ir::OriginRef origin(const std::string& module, int line) {
  return std::make_shared<const ir::Origin>(
      ir::Origin{.module = module, .frames = {{"net.py", line, "forward"}, {"top.py", 3, ""}}});
}

Type f32(ir::Shape shape) { return Type::tensor(DType::f32, std::move(shape)); }

std::string file_bytes(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

class WriterFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("tenon_writer_{}", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }
  fs::path folder_;
};

// y = x @ w + b with weights of more than one page.
std::unique_ptr<ir::Graph> linear() {
  auto graph = std::make_unique<ir::Graph>();
  ir::Builder b(*graph, tables().ops);
  Value* x = graph->add_input("x", f32({2, 64}));
  Tensor w = Tensor::zeros(DType::f32, {64, 64});
  float next = 0;
  for (float& v : w.mutable_values<float>()) v = next += 0.125f;
  Value* y = b.emit_named("MatMul", {x, b.constant(std::move(w), "fc.weight")});
  y = b.emit_named("Add", {y, b.constant(floats({1}, {1}), "fc.bias")});
  y->name = "y";
  graph->add_output(y);
  EXPECT_TRUE(b.status());
  return graph;
}

TEST_F(WriterFiles, WeightsGoToAFileBesideTheModelAboveTheLimit) {
  const auto graph = linear();
  WriteOptions options{.opset = 17, .external_above = 1000};
  ASSERT_TRUE(write(*graph, path("m.onnx"), options, tables().ops, tables().mappings));
  EXPECT_EQ(fs::file_size(path("m.onnx.data")), 64 * 64 * 4);
  EXPECT_LT(fs::file_size(path("m.onnx")), 1000);
  auto back = read(path("m.onnx"), {}, tables().ops, tables().mappings);
  ASSERT_TRUE(back) << back.error().message();
  auto whole = read_bytes(*write_bytes(*graph, 17));
  ASSERT_TRUE(whole);
  EXPECT_EQ(*write_bytes(**back, 17), *write_bytes(**whole, 17));
  EXPECT_FALSE(write(*graph, options, tables().ops, tables().mappings));  // in memory
}

TEST_F(WriterFiles, TheSameGraphGivesTheSameBytes) {
  const auto graph = linear();
  for (const char* name : {"a.onnx", "b.onnx"})
    ASSERT_TRUE(write(*graph, path(name), {.opset = 17}, tables().ops, tables().mappings));
  EXPECT_EQ(file_bytes(path("a.onnx")), file_bytes(path("b.onnx")));
  EXPECT_EQ(file_bytes(path("a.onnx")), *write_bytes(*graph, 17));
}

TEST_F(WriterFiles, LeavesNothingWhereItFails) {
  const auto graph = linear();
  auto missing = write(*graph, path("no/such/m.onnx"), {}, tables().ops, tables().mappings);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::usage);
  ir::Graph bad;
  ir::Builder b(bad, tables().ops);
  Value* x = bad.add_input("x", f32({2, 3}));
  bad.add_output(b.emit(ops::Einsum{.equation = "ij->ji"}, {x}));
  EXPECT_FALSE(write(bad, path("m.onnx"), {.opset = 11}, tables().ops, tables().mappings));
  EXPECT_EQ(files(), 0);
}

TEST(Writer, ReportsEverythingThatTheOpsetLacks) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  Value* x = graph.add_input("x", f32({2, 3}));
  b.set_origin(origin("mix", 31));
  Value* y = b.emit(ops::Einsum{.equation = "ij->ij"}, {x});
  b.set_origin(origin("update", 47));
  const Tensor at = Tensor::of<int64_t>(DType::i64, {1, 1}, std::vector<int64_t>{0});
  y = b.emit(ops::ScatterND{.reduction = "max"},
             {y, b.constant(at), b.constant(floats({1, 3}, {1, 2, 3}))});
  graph.add_output(y);
  ASSERT_TRUE(b.status());
  auto written = write_bytes(graph, 11);
  ASSERT_FALSE(written);
  const Error& error = written.error();
  EXPECT_EQ(error.kind, ErrorKind::unsupported);
  ASSERT_EQ(error.details.size(), 2);
  EXPECT_EQ(error.details[0].what, "Einsum cannot be written at opset 11");
  EXPECT_EQ(error.details[0].where.source, "net.py:31 in forward, from top.py:3");
  EXPECT_EQ(error.details[0].where.module, "mix");
  EXPECT_EQ(error.details[0].hint, "use --opset 12 or newer");
  EXPECT_EQ(error.details[1].where.module, "update");
  EXPECT_EQ(error.details[1].hint, "use --opset 18 or newer");
  EXPECT_TRUE(write_bytes(graph, 18));
}

TEST(Writer, RefusesOpsetsOutOfItsRange) {
  const auto graph = linear();
  for (const int opset : {10, newest_opset() + 1}) {
    auto written = write_bytes(*graph, opset);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::usage);
    EXPECT_FALSE(written.error().why.empty());
    EXPECT_FALSE(written.error().hint.empty());
  }
}

TEST(Writer, OriginsAndGuardsComeBack) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  graph.symbols = {{.name = "N", .range = {1, 8}, .opt = 4}, {.name = "H", .range = {32, 640}}};
  Value* x = graph.add_input("x", f32({Dim::symbol("N"), Dim::symbol("H")}));
  for (int i = 0; i < 2; ++i) {
    graph.symbols[static_cast<size_t>(i)].source = x;
    graph.symbols[static_cast<size_t>(i)].axis = i;
  }
  b.set_origin(origin("features.0", 12));
  graph.add_output(b.emit_named("Relu", {x}));
  graph.guards.push_back({.lhs = floordiv(Dim::symbol("H") + 3, 2) * Dim::symbol("N"),
                          .relation = ir::Guard::Relation::ne,
                          .rhs = min(Dim::symbol("H"), 77),
                          .origin = origin("features", 40),
                          .reason = "the branch was decided by it"});
  graph.metadata.emplace_back("author", "somebody");
  ASSERT_TRUE(b.status());
  ir::assign_names(graph);
  for (const int opset : {11, newest_opset()}) {  // doc_string, and metadata of nodes
    auto bytes = write_bytes(graph, opset);
    ASSERT_TRUE(bytes);
    auto back = read_bytes(*bytes);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(text(**back), text(graph));
    const ir::Origin& from = *(*back)->nodes().front()->origin;
    EXPECT_EQ(from.module, "features.0");
    ASSERT_EQ(from.frames.size(), 2);
    EXPECT_EQ(from.frames[0].function, "forward");
    EXPECT_EQ(from.frames[1].line, 3);
    EXPECT_EQ((*back)->symbols[0].opt, 4);
    ASSERT_EQ((*back)->guards.size(), 1);
    EXPECT_TRUE((*back)->guards[0].lhs == graph.guards[0].lhs);
    EXPECT_TRUE((*back)->guards[0].rhs == graph.guards[0].rhs);
    EXPECT_EQ((*back)->metadata, graph.metadata);
  }
}

// A reader could not say what they are about.
TEST(Writer, LeavesOutGuardsOfSizesThatTheGraphComputes) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  Value* x = graph.add_input("x", f32({Dim::symbol("N"), Dim(3)}));
  Value* found = b.emit_named("NonZero", {x});
  graph.symbols = {{.name = "N", .source = x, .axis = 0},
                   {.name = "data_7", .source = found, .axis = 1}};
  graph.add_output(found);
  const auto relation = ir::Guard::Relation::le;
  graph.guards.push_back({.lhs = Dim::symbol("data_7"), .relation = relation, .rhs = 100});
  graph.guards.push_back({.lhs = Dim::symbol("N"), .relation = relation, .rhs = 9});
  ASSERT_TRUE(b.status());
  ir::assign_names(graph);
  auto bytes = write_bytes(graph, newest_opset());
  ASSERT_TRUE(bytes);
  auto back = read_bytes(*bytes);
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_EQ((*back)->guards.size(), 1);
  EXPECT_TRUE((*back)->guards[0].lhs == Dim::symbol("N"));
}

// ONNX wants a node behind every output: inputs, constants and values given twice pass through one.
TEST(Writer, GivesEveryOutputANodeAndAName) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  Value* x = graph.add_input("x", f32({2}));
  Value* y = b.emit_named("Relu", {x});
  for (Value* out : {x, y, y, b.constant(floats({1}, {5}), "five")}) graph.add_output(out);
  auto back = read_bytes(*write_bytes(graph, 17));
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_EQ((*back)->outputs().size(), 4);
  std::set<std::string> names;
  for (const Value* out : (*back)->outputs()) {
    EXPECT_NE(out->producer, nullptr);
    names.insert(out->name);
  }
  EXPECT_EQ(names.size(), 4);
  const std::vector<Tensor> in{floats({2}, {-1, 3})};
  auto values = ir::evaluate(**back, tables().kernels, in);
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[0].values<float>()[0], -1);
  EXPECT_EQ((*values)[2].values<float>()[0], 0);
  EXPECT_EQ((*values)[3].values<float>()[0], 5);
}

// Names do not change with the opset, though nodes are taken apart.
TEST(Writer, KeepsNamesAcrossOpsets) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  Value* x = graph.add_input("x", f32({2, 4}));
  b.set_origin(origin("norm", 5));
  Value* y =
      b.emit(ops::LayerNormalization{}, {x, b.constant(floats({4}, {1, 2, 3, 4}), "norm.weight")});
  b.set_origin(origin("act", 6));
  y = b.emit(ops::Gelu{}, {y});
  y->name = "out";
  graph.add_output(y);
  ASSERT_TRUE(b.status());
  for (const int opset : {11, 17, 20}) {
    auto back = read_bytes(*write_bytes(graph, opset));
    ASSERT_TRUE(back);
    EXPECT_EQ((*back)->outputs()[0]->name, "out");
    bool found = false, weight = false;
    for (const auto& node : (*back)->nodes()) {
      found |= node->output()->name == "norm/LayerNormalization";
      weight |= node->input(1) && node->input(1)->name == "norm.weight";
      EXPECT_TRUE(node->origin->module == "norm" || node->origin->module == "act");
    }
    EXPECT_TRUE(found) << opset;
    EXPECT_TRUE(weight) << opset;
  }
}

TEST(Writer, SubgraphsThatGiveOuterValuesBack) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  Value* x = graph.add_input("x", f32({2}));
  Value* yes = graph.add_input("c", Type::tensor(DType::boolean, ir::Shape{}));
  ir::Node* choice = graph.add_node("", "If", {}, {yes});
  graph.add_subgraph(choice, "then_branch")->add_output(x);
  ir::Graph* no = graph.add_subgraph(choice, "else_branch");
  b.enter(*no);
  no->add_output(b.emit_named("Neg", {x}));
  b.enter(graph);
  ASSERT_TRUE(ir::infer(*choice, tables().ops));
  graph.add_output(choice->output());
  auto back = read_bytes(*write_bytes(graph, 11));
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_TRUE(ir::verify(**back, tables().ops, "reading"));
  Tensor condition = Tensor::zeros(DType::boolean, {});
  auto out =
      ir::evaluate(**back, tables().kernels, std::vector<Tensor>{floats({2}, {1, 2}), condition});
  ASSERT_TRUE(out);
  EXPECT_EQ((*out)[0].values<float>()[1], -2);
}

TEST(OpsetTable, KnowsTheHistory) {
  EXPECT_EQ(newest_opset(), ir::kCanonicalOpset);
  EXPECT_EQ(first_opset("Gelu"), 20);
  EXPECT_EQ(first_opset("NoSuchOperator"), 0);
  EXPECT_EQ(find_schema("Softmax", 12)->since, 11);
  EXPECT_EQ(find_schema("Softmax", 13)->attribute("axis")->number, -1);
  EXPECT_EQ(find_schema("GroupNormalization", 18), nullptr);  // deprecated
  EXPECT_TRUE(accepts(find_schema("Relu", 14)->input(0), DType::i32));
  EXPECT_FALSE(accepts(find_schema("Relu", 13)->input(0), DType::i32));
  EXPECT_NE(find_schema("Concat", 13)->input(9), nullptr);
  EXPECT_EQ(find_schema("Relu", 13)->input(1), nullptr);
  EXPECT_EQ(ir_version_of(11), 6);
  EXPECT_EQ(ir_version_of(17), 8);
}

}  // namespace
}  // namespace tenon::onnx
