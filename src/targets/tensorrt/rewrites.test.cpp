#include "targets/tensorrt/rewrites.h"

#include <gmock/gmock.h>

#include "ir/builder.h"
#include "ir/verifier.h"
#include "ops/tables.h"

namespace tenon::tensorrt {
namespace {

// A loop over x that doubles it, with the given conditions before and in the body.
class Loops : public testing::Test {
 protected:
  enum class Next { passed, constant, computed };

  ir::Node* loop(ir::Value* before, Next next) {
    ir::Value* x = graph.inputs()[0];
    ir::Node* node =
        graph.add_node("", "Loop", {}, {graph.add_constant(Tensor::scalar_i64(3)), before, x});
    body = graph.add_subgraph(node, "body");
    body->add_input("i", ir::Type::tensor(DType::i64, ir::Shape{}));
    ir::Value* condition = body->add_input("c", ir::Type::tensor(DType::boolean, ir::Shape{}));
    ir::Value* state = body->add_input("s", x->type);
    ir::Builder b(*body, ops);
    ir::Value* doubled = b.emit_named("Add", {state, state});
    ir::Value* out = condition;
    if (next == Next::constant) out = body->add_constant(truth());
    if (next == Next::computed) out = b.emit_named("Not", {condition});
    body->add_output(out);
    body->add_output(doubled);
    node->output(0)->type = x->type;
    graph.add_output(node->output(0));
    return node;
  }

  static Tensor truth(bool value = true) {
    Tensor out = Tensor::zeros(DType::boolean, {});
    out.mutable_bytes()[0] = std::byte{value};
    return out;
  }

  Loops() { graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{2})); }

  ir::OpSet ops{ops::op_table()};
  ir::Graph graph;
  ir::Graph* body = nullptr;
};

TEST_F(Loops, WhoseConditionIsAlwaysTrueHaveNone) {
  for (const bool given : {true, false}) {
    for (const Next next : {Next::passed, Next::constant}) {
      ir::Node* node = loop(given ? graph.add_constant(truth()) : nullptr, next);
      rewrite(graph);
      EXPECT_EQ(node->input(1), nullptr);
      EXPECT_TRUE(body->inputs()[1]->uses.empty());
      ASSERT_TRUE(body->outputs()[0]->is_constant());
      EXPECT_TRUE(ir::verify(graph, ops, "rewrite"));
    }
  }
}

TEST_F(Loops, WhoseConditionSaysSomethingKeepIt) {
  ir::Node* computed = loop(graph.add_constant(truth()), Next::computed);
  rewrite(graph);
  EXPECT_NE(computed->input(1), nullptr);
  EXPECT_FALSE(body->outputs()[0]->is_constant());
  ir::Node* never = loop(graph.add_constant(truth(false)), Next::passed);
  rewrite(graph);
  EXPECT_NE(never->input(1), nullptr);
  EXPECT_EQ(body->outputs()[0], body->inputs()[1]);
}

}  // namespace
}  // namespace tenon::tensorrt
