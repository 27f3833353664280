// Shapes with symbolic sizes: what every front end and engine relies on.
#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/printer.h"
#include "ops/conv/conv.h"
#include "ops/pool/pool.h"
#include "ops/reshape/reshape.h"
#include "ops/resize/resize.h"
#include "ops/split/split.h"
#include "ops/tables.h"

namespace tenon::ops {
namespace {

using ir::Dim;
using ir::Type;
using ir::Value;

const Dim N = Dim::symbol("N"), H = Dim::symbol("H");

struct InferTest : testing::Test {
  std::vector<const ir::OpSpec*> table = op_table();
  ir::OpSet ops{table};
  ir::Graph graph;
  ir::Builder b{graph, ops};

  void SetUp() override {
    graph.symbols.push_back({.name = "N", .range = {1, 8}});
    graph.symbols.push_back({.name = "H", .range = {8, 512}});
  }
  Value* input(ir::Shape shape, DType dtype = DType::f32) {
    Value* value = graph.add_input("input", Type::tensor(dtype, std::move(shape)));
    for (size_t axis = 0; axis < value->shape()->size(); ++axis) {
      ir::Symbol* symbol = graph.find_symbol((*value->shape())[axis].symbol_name());
      if (symbol && !symbol->source) {
        symbol->source = value;
        symbol->axis = static_cast<int>(axis);
      }
    }
    return value;
  }
  std::string type(const Value* value) {
    EXPECT_TRUE(b.status());
    return value->type.str();
  }
  std::string why() {
    const auto status = b.status();
    return status ? "no error" : status.error().why;
  }
};

TEST_F(InferTest, ConvolutionAndPooling) {
  Value* x = input({N, 3, H, 33});
  Value* w = b.constant(Tensor::zeros(DType::f32, {8, 3, 3, 3}));
  EXPECT_EQ(
      type(b.emit(Conv{.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {2, 2}}, {x, w})),
      "f32[N, 8, floordiv(H + 1, 2), 17]");
  EXPECT_EQ(type(b.emit(Conv{.auto_pad = "SAME_UPPER", .strides = {2, 2}}, {x, w})),
            "f32[N, 8, floordiv(H + 1, 2), 17]");
  EXPECT_EQ(
      type(b.emit(MaxPool{.ceil_mode = true, .kernel_shape = {3, 3}, .strides = {2, 2}}, {x})),
      "f32[N, 3, floordiv(H, 2), 16]");
  // The last window must start inside the input or the padding before it.
  EXPECT_EQ(
      type(b.emit(MaxPool{.ceil_mode = true, .kernel_shape = {2}, .pads = {1, 1}, .strides = {3}},
                  {input({1, 1, 4})})),
      "f32[1, 1, 2]");
  b.emit(Conv{.group = 2}, {x, w});
  EXPECT_NE(why().find("channels"), std::string::npos);
}

TEST_F(InferTest, Reshape) {
  Value* x = input({N, 16, H, 4});
  EXPECT_EQ(type(b.emit(Reshape{}, {x, b.ints({0, -1})})), "f32[N, 64*H]");
  EXPECT_EQ(type(b.emit(Reshape{}, {x, b.shape(std::vector{N * H, Dim(-1)})})), "f32[H*N, 64]");
  EXPECT_EQ(type(b.emit(Reshape{}, {x, b.shape(std::vector{N, Dim(4), Dim(4), Dim(-1)})})),
            "f32[N, 4, 4, 4*H]");
  EXPECT_EQ(type(b.emit(Reshape{}, {input({2, 3}), b.ints({3, -1})})), "f32[3, 2]");
  b.emit(Reshape{}, {input({2, 3}), b.ints({4, -1})});
  EXPECT_NE(why().find("cannot become"), std::string::npos);
  b.emit(Reshape{}, {input({2, 3}), b.ints({-1, -1})});
  EXPECT_NE(why().find("-1 twice"), std::string::npos);
  Value* unknown = input({3}, DType::i64);
  EXPECT_EQ(b.emit(Reshape{}, {x, unknown})->rank(), 3u);
}

TEST_F(InferTest, ShapeArithmeticStaysSymbolic) {
  Value* x = input({N, 16, H, 4});
  Value* shape = b.emit_with("Shape", {{"start", int64_t{0}}}, {x});
  Value* h = b.emit_with("Gather", {{"axis", int64_t{0}}}, {shape, b.scalar_int(2)});
  Value* half = b.emit_named("Div", {h, b.scalar_int(2)});
  Value* less =
      b.emit_named("Sub", {b.emit_named("Mul", {half, b.scalar_int(3)}), b.scalar_int(1)});
  Value* target = b.emit_with("Concat", {{"axis", int64_t{0}}},
                              {b.emit_named("Unsqueeze", {less, b.ints({0})}), b.ints({-1})});
  ASSERT_TRUE(b.status());
  EXPECT_EQ(to_string(*target->contents), "[3*floordiv(H, 2) - 1, -1]");
  Value* count = b.emit_with("ReduceProd", {{"keepdims", int64_t{0}}}, {shape});
  EXPECT_EQ(count->contents->front(), N * H * Dim(64));
  // A size that took a way through floating point.
  Value* scaled = b.emit_named(
      "Floor", {b.emit_named("Mul", {b.cast(h, DType::f32), b.scalar(0.5, DType::f32)})});
  EXPECT_EQ(b.cast(scaled, DType::i64)->contents->front(), floordiv(H, Dim(2)));
  // Decided by the ranges of N and H.
  EXPECT_EQ(b.emit_named("Less", {h, b.scalar_int(8)})->contents->front(), Dim(0));
  EXPECT_EQ(b.emit_named("Equal", {h, h})->contents->front(), Dim(1));
  EXPECT_FALSE(b.emit_named("Less", {h, b.scalar_int(9)})->contents);
}

TEST_F(InferTest, SlicesClampToTheTensor) {
  Value* x = input({N, H});
  auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return type(
        b.emit_named("Slice", {x, b.ints({start}), b.ints({end}), b.ints({1}), b.ints({step})}));
  };
  EXPECT_EQ(slice(0, INT64_MAX, 1), "f32[N, H]");
  EXPECT_EQ(slice(1, -1, 1), "f32[N, H - 2]");
  EXPECT_EQ(slice(0, 4, 1), "f32[N, 4]");  // H is at least 8
  EXPECT_EQ(slice(0, 100, 1), "f32[N, min(H, 100)]");
  EXPECT_EQ(slice(-1, INT64_MIN, -1), "f32[N, H]");
  EXPECT_EQ(slice(0, INT64_MAX, 2), "f32[N, floordiv(H + 1, 2)]");
  EXPECT_EQ(slice(3, 2, 1), "f32[N, 0]");
}

TEST_F(InferTest, SplitsAndResizes) {
  Value* x = input({N, 3, H, H});
  const auto parts = b.emit_n(Split{.axis = 2, .num_outputs = 2}, {x}, 2);
  EXPECT_EQ(type(parts[0]), "f32[N, 3, floordiv(H + 1, 2), H]");
  EXPECT_EQ(type(b.emit(Resize{}, {x, nullptr,
                                   b.constant(Tensor::of<float>(
                                       DType::f32, {4}, std::array{1.0f, 1.0f, 2.0f, 0.5f}))})),
            "f32[N, 3, 2*H, floordiv(H, 2)]");
}

TEST_F(InferTest, DataDecidesSizesUnderOneName) {
  Value* found = b.emit_named("NonZero", {input({N, 4})});
  const std::string first = type(found);
  ASSERT_TRUE(ir::infer(*found->producer, ops));
  EXPECT_EQ(found->type.str(), first);
  const ir::Symbol* symbol = graph.find_symbol((*found->shape())[1].symbol_name());
  ASSERT_NE(symbol, nullptr);
  EXPECT_EQ(symbol->source, found);
  EXPECT_EQ(symbol->range, (ir::Interval{0, 32}));
}

TEST_F(InferTest, BranchesMergeTheirShapes) {
  Value* x = input({N, 4});
  Value* condition = input({}, DType::boolean);
  ir::Node* node = graph.add_node("", "If", {}, {condition});
  ir::Graph* yes = graph.add_subgraph(node, "then_branch");
  ir::Graph* no = graph.add_subgraph(node, "else_branch");
  b.enter(*yes);
  yes->add_output(b.emit_named("Relu", {x}));
  b.enter(*no);
  no->add_output(b.emit_with("Concat", {{"axis", int64_t{1}}}, {x, x}));
  b.enter(graph);
  ASSERT_TRUE(b.status());
  ASSERT_TRUE(ir::infer(graph, ops));
  ASSERT_EQ(node->output()->rank(), 2u);
  EXPECT_EQ((*node->output()->shape())[0], N);
  const std::string name = (*node->output()->shape())[1].symbol_name();
  ASSERT_FALSE(name.empty());
  EXPECT_EQ(graph.find_symbol(name)->source, node->output());
}

TEST_F(InferTest, LoopsGeneraliseWhatGrows) {
  Value* x = input({1, 4});
  ir::Node* node = graph.add_node("", "Loop", {}, {b.scalar_int(3), nullptr, x}, 2);
  ir::Graph* body = graph.add_subgraph(node, "body");
  body->add_input("i", {});
  Value* go = body->add_input("go", {});
  Value* carried = body->add_input("x", {});
  ASSERT_TRUE(ir::infer(*node, ops));  // gives the body's inputs their first types
  b.enter(*body);
  Value* grown = b.emit_with("Concat", {{"axis", int64_t{0}}}, {carried, x});
  body->add_output(go);
  body->add_output(grown);
  body->add_output(b.emit_with("ReduceSum", {{"keepdims", int64_t{0}}}, {carried}));
  b.enter(graph);
  ASSERT_TRUE(b.status());
  ASSERT_TRUE(ir::infer(graph, ops));
  EXPECT_FALSE((*carried->shape())[0].is_constant());
  EXPECT_EQ((*carried->shape())[1], Dim(4));
  EXPECT_FALSE((*node->output(0)->shape())[0].is_constant());
  EXPECT_EQ(node->output(1)->type.str(), "f32[3]");
}

}  // namespace
}  // namespace tenon::ops
