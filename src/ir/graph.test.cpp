#include "ir/graph.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/printer.h"
#include "ir/ref_kernel.h"
#include "ir/verifier.h"
#include "ops/tables.h"

namespace tenon::ir {
namespace {

struct Fixture : testing::Test {
  std::vector<const OpSpec*> table = ops::op_table();
  OpSet ops{table};
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  Builder b{*graph, ops};
  Value* x = nullptr;

  void SetUp() override {
    graph->symbols.push_back({.name = "N", .range = {1, 8}, .opt = 2});
    x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("N"), 4}));
    graph->symbols[0].source = x;
    graph->symbols[0].axis = 0;
  }
};

using GraphTest = Fixture;
using BuilderTest = Fixture;
using VerifierTest = Fixture;
using PrinterTest = Fixture;

TEST_F(GraphTest, ReplacingAValueReachesOutputsAndSubgraphs) {
  Value* relu = b.emit_named("Relu", {x});
  Value* condition = graph->add_input("c", Type::tensor(DType::boolean, Shape{}));
  Node* branch = graph->add_node("", "If", {}, {condition});
  for (const char* name : {"then_branch", "else_branch"}) {
    Graph* sub = graph->add_subgraph(branch, name);
    sub->add_output(sub->add_node("", "Tanh", {}, {relu})->output());
  }
  graph->add_output(relu);
  Value* exp = b.emit_named("Exp", {x});
  graph->move_before(exp->producer, branch);
  graph->replace_uses(relu, exp);
  EXPECT_TRUE(relu->uses.empty());
  EXPECT_EQ(graph->outputs()[0], exp);
  EXPECT_EQ(exp->uses.size(), 3u);
  EXPECT_EQ(branch->subgraph("then_branch")->nodes().front()->input(0), exp);
}

TEST_F(GraphTest, RemovesWhatNoOutputNeeds) {
  Value* kept = b.emit_named("Relu", {x});
  Value* dead = b.emit_named("Exp", {b.emit_named("Neg", {x})});
  graph->add_output(kept);
  EXPECT_EQ(graph->size(), 3u);
  EXPECT_TRUE(dead->uses.empty());
  EXPECT_TRUE(graph->remove_dead());
  EXPECT_EQ(graph->size(), 1u);
  EXPECT_EQ(x->uses.size(), 1u);
  EXPECT_FALSE(graph->remove_dead());
}

TEST_F(GraphTest, ClonesShareNothingButWeights) {
  Value* weight = b.constant(Tensor::scalar_f32(2), "w");
  graph->add_output(b.emit_named("Mul", {x, weight}));
  graph->guards.push_back({.lhs = Dim::symbol("N"), .rhs = Dim(2), .reason = "test"});
  const auto copy = clone(*graph);
  EXPECT_EQ(print(*copy), print(*graph));
  EXPECT_NE(copy->inputs()[0], x);
  EXPECT_EQ(copy->symbols[0].source, copy->inputs()[0]);
  EXPECT_EQ(copy->constants()[0]->constant->data(), weight->constant->data());
  EXPECT_TRUE(verify(*copy, ops, "cloning"));
  graph.reset();
  EXPECT_TRUE(verify(*copy, ops, "cloning"));
}

TEST_F(GraphTest, NamesBecomeUniqueAndKeepTheInterface) {
  Value* a = b.emit_named("Relu", {x});
  Value* c = b.emit_named("Relu", {a});
  a->name = c->name = "y";
  graph->add_output(c);
  assign_names(*graph);
  EXPECT_EQ(x->name, "x");
  EXPECT_EQ(c->name, "y");
  EXPECT_NE(a->name, "y");
}

TEST_F(BuilderTest, WritesSizesFromTheInputs) {
  const Dim n = Dim::symbol("N");
  Value* shape = b.shape(std::vector{n, floordiv(n + Dim(1), Dim(2)), Dim(7)});
  ASSERT_TRUE(b.status());
  EXPECT_EQ(*shape->contents, (std::vector{n, floordiv(n + Dim(1), Dim(2)), Dim(7)}));
  // Inference comes to the same contents from the nodes alone.
  forget_contents(*graph);
  ASSERT_TRUE(infer(*graph, ops));
  EXPECT_EQ(*shape->contents, (std::vector{n, floordiv(n + Dim(1), Dim(2)), Dim(7)}));
}

TEST_F(BuilderTest, SolvesSizesThatInputsHaveMultiplesOf) {
  graph->symbols.push_back({.name = "s", .range = {1, 8}});
  const Dim s = Dim::symbol("s");
  graph->add_input("y", Type::tensor(DType::f32, Shape{Dim(32) * s + Dim(3)}));
  Value* blocks = b.dim(s * Dim(2));
  ASSERT_TRUE(b.status()) << b.status().error().message();
  graph->add_output(blocks);
  const std::vector<Tensor> in = {Tensor::zeros(DType::f32, {2, 4}),
                                  Tensor::zeros(DType::f32, {163})};
  const auto out = evaluate(*graph, RefKernels(ops::ref_table()), in);
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ((*out)[0].values<int64_t>()[0], 10);
}

TEST_F(BuilderTest, TheFirstErrorSticks) {
  auto origin = std::make_shared<Origin>();
  origin->frames = {{"model.py", 7, "forward"}};
  b.set_origin(origin);
  Value* wrong = b.emit_named("Add", {x, b.scalar(1, DType::f64)});
  b.emit_named("Relu", {wrong});
  const auto status = b.status();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("model.py:7"), std::string::npos);
  EXPECT_NE(status.error().message().find("input 0 is f32, but input 1 is f64"), std::string::npos);
  EXPECT_TRUE(b.status());
}

TEST_F(VerifierTest, FindsUsesBeforeDefinitions) {
  Value* first = b.emit_named("Relu", {x});
  Value* second = b.emit_named("Exp", {first});
  graph->add_output(second);
  EXPECT_TRUE(verify(*graph, ops, "the test"));
  graph->move_before(second->producer, first->producer);
  const auto status = verify(*graph, ops, "the test");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("after the test"), std::string::npos);
  EXPECT_NE(status.error().message().find("before it is used"), std::string::npos);
}

TEST_F(VerifierTest, FindsUnknownOperatorsAndAttributes) {
  Value* y = b.emit_named("Relu", {x});
  graph->add_output(y);
  y->producer->attributes.set("alpha", 1.0f);
  EXPECT_FALSE(verify(*graph, ops, "the test"));
  y->producer->attributes.erase("alpha");
  y->producer->op = "NoSuchOperator";
  EXPECT_FALSE(verify(*graph, ops, "the test"));
}

TEST_F(PrinterTest, ShowsTypesSymbolsAndLines) {
  auto origin = std::make_shared<Origin>();
  origin->module = "head";
  origin->frames = {{"net.py", 3, "forward"}};
  b.set_origin(origin);
  Value* y = b.emit_named("Relu", {x});
  y->name = "y";
  graph->add_output(y);
  EXPECT_EQ(print(*graph),
            "symbol N in 1..8\n"
            "graph main(%0:x: f32[N, 4]) {\n"
            "  %1:y: f32[N, 4] = Relu(%0:x)  # head net.py:3\n"
            "  return %1:y\n"
            "}\n");
}

}  // namespace
}  // namespace tenon::ir
