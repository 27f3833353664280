#include "targets/tensorrt/rewrites.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "ir/builder.h"
#include "ir/printer.h"
#include "ir/ref_kernel.h"
#include "ir/verifier.h"
#include "ops/tables.h"

namespace tenon::tensorrt {
namespace {

using ir::Node;
using ir::Type;
using ir::Value;

Tensor truth(bool value = true) {
  Tensor out = Tensor::zeros(DType::boolean, {});
  out.mutable_bytes()[0] = std::byte{value};
  return out;
}
Tensor floats(Dims dims, const std::vector<float>& values) {
  return Tensor::of<float>(DType::f32, std::move(dims), values);
}
size_t count(const ir::Graph& graph, std::string_view op) {
  size_t out = 0;
  ir::for_each_node(graph, [&](const Node& node) { out += node.is(op); });
  return out;
}

bool has_doubles(const ir::Graph& graph) {
  bool out = false;
  ir::for_each_node(graph, [&](const Node& node) {
    const auto look = [&](const Value* v) { out |= v != nullptr && v->dtype() == DType::f64; };
    std::ranges::for_each(node.inputs(), look);
    std::ranges::for_each(node.outputs(), look);
  });
  return out;
}

class Rewrites : public testing::Test {
 protected:
  using Body = std::function<std::vector<Value*>(ir::Builder&)>;

  Value* input(const char* name, DType dtype, ir::Shape shape) {
    return graph.add_input(name, Type::tensor(dtype, std::move(shape)));
  }

  // Outputs of branches are values that the branches compute.
  Node* branch(ir::Builder& b, Value* condition, const Body& yes, const Body& no, size_t outputs) {
    Node* node = b.graph().add_node("", "If", {}, {condition}, outputs);
    fill(*b.graph().add_subgraph(node, "then_branch"), yes);
    fill(*b.graph().add_subgraph(node, "else_branch"), no);
    EXPECT_TRUE(ir::infer(*node, ops));
    return node;
  }

  // A loop of some turns with the values that it carries; `step` gives the next ones, and then what
  // is collected.
  Node* loop(ir::Builder& b, Value* turns, const std::vector<Value*>& carried,
             const std::function<std::vector<Value*>(ir::Builder&, std::span<Value* const>)>& step,
             size_t outputs) {
    std::vector<Value*> inputs = {turns, b.graph().add_constant(truth())};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    Node* node = b.graph().add_node("", "Loop", {}, std::move(inputs), outputs);
    ir::Graph* body = b.graph().add_subgraph(node, "body");
    body->add_input("i", Type::tensor(DType::i64, ir::Shape{}));
    body->add_input("c", Type::tensor(DType::boolean, ir::Shape{}));
    for (const Value* value : carried) body->add_input("s", value->type);
    ir::Builder within(*body, ops);
    const std::vector<Value*> next = step(within, body->inputs());
    body->add_output(within.emit_named("Identity", {body->inputs()[1]}));
    for (Value* value : next) body->add_output(within.emit_named("Identity", {value}));
    EXPECT_TRUE(within.status());
    EXPECT_TRUE(ir::infer(*node, ops));
    return node;
  }

  Release release{.family = Family::rtx};

  // Rewrites the graph; it computes what it did of each of the sets of inputs.
  void keeps(const std::vector<std::vector<Tensor>>& sets) {
    std::vector<std::vector<Tensor>> before;
    for (const auto& set : sets) before.push_back(run(set));
    const Status ok = rewrite(graph, release, ops);
    ASSERT_TRUE(ok) << ok.error().message();
    const Status valid = ir::verify(graph, ops, "rewrite");
    ASSERT_TRUE(valid) << valid.error().message();
    for (size_t k = 0; k < sets.size(); ++k) {
      const std::vector<Tensor> now = run(sets[k]);
      ASSERT_EQ(now.size(), before[k].size());
      for (size_t i = 0; i < now.size(); ++i) {
        EXPECT_EQ(now[i].dtype(), before[k][i].dtype());
        EXPECT_EQ(now[i].shape(), before[k][i].shape());
        EXPECT_TRUE(std::ranges::equal(now[i].bytes(), before[k][i].bytes()))
            << "set " << k << ", output " << i << "\n"
            << ir::print(graph);
      }
    }
  }

  ir::OpSet ops{ops::op_table()};
  ir::RefKernels kernels{ops::ref_table()};
  ir::Graph graph;
  ir::Builder b{graph, ops};

 private:
  void fill(ir::Graph& into, const Body& body) {
    ir::Builder within(into, ops);
    for (Value* value : body(within)) into.add_output(within.emit_named("Identity", {value}));
    EXPECT_TRUE(within.status());
  }

  std::vector<Tensor> run(const std::vector<Tensor>& inputs) {
    auto out = ir::evaluate(graph, kernels, inputs);
    EXPECT_TRUE(out) << out.error().message();
    return out ? std::move(*out) : std::vector<Tensor>{};
  }
};

// --- conditions of loops

// A loop over x that doubles it, with the given conditions before and in the body.
class Loops : public Rewrites {
 protected:
  enum class Next { passed, constant, computed };

  Node* doubling(Value* before, Next next) {
    Value* x = graph.inputs()[0];
    Node* node =
        graph.add_node("", "Loop", {}, {graph.add_constant(Tensor::scalar_i64(3)), before, x});
    body = graph.add_subgraph(node, "body");
    body->add_input("i", Type::tensor(DType::i64, ir::Shape{}));
    Value* condition = body->add_input("c", Type::tensor(DType::boolean, ir::Shape{}));
    Value* state = body->add_input("s", x->type);
    ir::Builder within(*body, ops);
    Value* doubled = within.emit_named("Add", {state, state});
    Value* out = condition;
    if (next == Next::constant) out = body->add_constant(truth());
    if (next == Next::computed) out = within.emit_named("Not", {condition});
    body->add_output(out);
    body->add_output(doubled);
    node->output(0)->type = x->type;
    graph.add_output(node->output(0));
    return node;
  }

  Loops() { input("x", DType::f32, ir::Shape{2}); }

  ir::Graph* body = nullptr;
};

TEST_F(Loops, WhoseConditionIsAlwaysTrueHaveNone) {
  for (const bool given : {true, false}) {
    for (const Next next : {Next::passed, Next::constant}) {
      const Node* node = doubling(given ? graph.add_constant(truth()) : nullptr, next);
      ASSERT_TRUE(rewrite(graph, release, ops));
      EXPECT_EQ(node->input(1), nullptr);
      EXPECT_TRUE(body->inputs()[1]->uses.empty());
      ASSERT_TRUE(body->outputs()[0]->is_constant());
      EXPECT_TRUE(ir::verify(graph, ops, "rewrite"));
    }
  }
}

TEST_F(Loops, WhoseConditionSaysSomethingKeepIt) {
  const Node* computed = doubling(graph.add_constant(truth()), Next::computed);
  ASSERT_TRUE(rewrite(graph, release, ops));
  EXPECT_NE(computed->input(1), nullptr);
  EXPECT_FALSE(body->outputs()[0]->is_constant());
  const Node* never = doubling(graph.add_constant(truth(false)), Next::passed);
  ASSERT_TRUE(rewrite(graph, release, ops));
  EXPECT_NE(never->input(1), nullptr);
  EXPECT_EQ(body->outputs()[0], body->inputs()[1]);
}

// --- outputs of branches

TEST_F(Rewrites, LeaveOutputsOfBranchesOutThatSayNothing) {
  Value *x = input("x", DType::f32, {2}), *c = input("c", DType::boolean, {});
  // The first is unused, the second x on both sides, and only the third chosen; the inner branch is
  // there for the first alone.
  const auto inner = [&](ir::Builder& in) {
    return branch(
               in, c, [&](ir::Builder& y) { return std::vector{y.emit_named("Neg", {x})}; },
               [&](ir::Builder& n) { return std::vector{n.emit_named("Abs", {x})}; }, 1)
        ->output();
  };
  const Node* node = branch(
      b, c,
      [&](ir::Builder& in) { return std::vector{inner(in), x, in.emit_named("Add", {x, x})}; },
      [&](ir::Builder& in) { return std::vector{x, x, in.emit_named("Mul", {x, x})}; }, 3);
  graph.add_output(b.emit_named("Sub", {node->output(1), node->output(2)}));
  keeps({{floats({2}, {3, -4}), truth()}, {floats({2}, {3, -4}), truth(false)}});
  EXPECT_EQ(count(graph, "If"), 1u);
  ir::for_each_node(graph, [](const Node& n) {
    if (n.is("If")) {
      EXPECT_EQ(n.outputs().size(), 1u);
    }
  });
}

TEST_F(Rewrites, ComputeWhatIsAnOutputAndTheSameOnBothSides) {
  Value *x = input("x", DType::f32, {2}), *c = input("c", DType::boolean, {});
  const auto same = [&](ir::Builder&) { return std::vector{x}; };
  graph.add_output(branch(b, c, same, same, 1)->output());
  keeps({{floats({2}, {3, -4}), truth()}});
  EXPECT_EQ(count(graph, "If"), 0u);
}

// --- doubles

TEST_F(Rewrites, MakeFloatsOfDoublesThatBranchesChoose) {
  Value *x = input("x", DType::f32, {2}), *c = input("c", DType::boolean, {});
  const auto constant = [&](double value) {
    return [value](ir::Builder& in) { return std::vector{in.scalar(value, DType::f64)}; };
  };
  // 3 is a float, 0.1 none: it is rounded where it is chosen.
  for (const double other : {3.0, 0.1}) {
    const Node* inner = branch(b, c, constant(1), constant(other), 1);
    graph.add_output(b.emit_named("Mul", {x, b.cast(inner->output(), DType::f32)}));
  }
  keeps({{floats({2}, {3, -4}), truth()}, {floats({2}, {3, -4}), truth(false)}});
  EXPECT_FALSE(has_doubles(graph));
}

TEST_F(Rewrites, CompareDoublesThatAreFloatsAsFloats) {
  const float near = 0.1F;  // a little more than 0.1
  Value* x = input("x", DType::f32, {4});
  Value* wide = b.cast(x, DType::f64);
  for (const char* op : {"Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
    for (const double number : {0.1, 0.25, 1e300, -1e300, std::nan("")}) {
      Value* other = b.scalar(number, DType::f64);
      graph.add_output(b.emit_named(op, {wide, other}));
      graph.add_output(b.emit_named(op, {other, wide}));
    }
    graph.add_output(b.emit_named(op, {wide, b.emit_named("Neg", {b.cast(x, DType::f64)})}));
  }
  keeps({{floats({4}, {near, std::nextafter(near, 0.0F), 0.25F, std::nanf("")})},
         {floats({4}, {INFINITY, -INFINITY, 0, -0.25F})}});
  // Neg is no mover: it stays, and what is compared with it.
  EXPECT_EQ(count(graph, "Neg"), 4u);
}

TEST_F(Rewrites, LeaveEqualityWithWhatIsNoFloat) {
  Value* wide = b.cast(input("x", DType::f32, {2}), DType::f64);
  graph.add_output(b.emit_named("Equal", {wide, b.scalar(0.25, DType::f64)}));
  keeps({{floats({2}, {0.25F, 0.1F})}});
  EXPECT_FALSE(has_doubles(graph));
  graph.add_output(
      b.emit_named("Equal", {b.cast(graph.inputs()[0], DType::f64), b.scalar(0.1, DType::f64)}));
  keeps({{floats({2}, {0.25F, 0.1F})}});
  EXPECT_TRUE(has_doubles(graph));
}

TEST_F(Rewrites, MakeFloatsOfDoublesThatLoopsCarry) {
  Value* x = input("x", DType::f32, {3});
  const auto larger = [&](ir::Builder& in, std::span<Value* const> inside) {
    Value* one =
        in.cast(in.emit_with("Gather", {{"axis", int64_t{0}}}, {x, inside[0]}), DType::f64);
    Value* more = in.emit_named("Greater", {one, inside[2]});
    return std::vector{in.emit_named("Where", {more, one, inside[2]})};
  };
  const Node* node = loop(b, b.scalar_int(3), {b.scalar(0, DType::f64)}, larger, 1);
  graph.add_output(b.cast(node->output(), DType::f32));
  keeps({{floats({3}, {-1, 5.1F, 2})}, {floats({3}, {-1, -2, -3})}});
  EXPECT_FALSE(has_doubles(graph));
}

TEST_F(Rewrites, LeaveArithmeticOfDoubles) {
  Value* x = input("x", DType::f32, {2});
  Value* wide = b.cast(x, DType::f64);
  Value* sum = b.emit_named("Add", {wide, b.scalar(0.1, DType::f64)});
  graph.add_output(b.cast(sum, DType::f32));
  graph.add_output(b.emit_named("Greater", {wide, b.scalar(1, DType::f64)}));
  // Carried from turn to turn as it is added to, and rounded at the end: no float in between.
  const auto add = [&](ir::Builder& in, std::span<Value* const> inside) {
    return std::vector{in.emit_named("Add", {inside[2], in.scalar(0.1, DType::f64)})};
  };
  const Node* node = loop(b, b.scalar_int(9), {b.scalar(1, DType::f64)}, add, 1);
  graph.add_output(b.cast(node->output(), DType::f32));
  keeps({{floats({2}, {3, 0.7F})}});
  EXPECT_TRUE(has_doubles(graph));
}

TEST_F(Rewrites, RoundIntegersOnceWhereDoublesAreBetween) {
  Value* i = input("i", DType::i32, {2});
  graph.add_output(b.cast(b.cast(i, DType::f64), DType::f32));
  keeps({{Tensor::of<int32_t>(DType::i32, {2}, std::vector<int32_t>{16777217, -2147483647})}});
  EXPECT_FALSE(has_doubles(graph));
  Value* l = input("l", DType::i64, {2});
  graph.add_output(b.cast(b.cast(l, DType::f64), DType::f32));
  keeps({{Tensor::of<int32_t>(DType::i32, {2}, std::vector<int32_t>{1, 2}),
          Tensor::of<int64_t>(DType::i64, {2}, std::vector<int64_t>{(int64_t{1} << 53) - 1, -5})}});
  EXPECT_FALSE(has_doubles(graph));
}

// --- vectors

TEST_F(Rewrites, WorkOnVectorsAsOnRows) {
  Value *x = input("x", DType::f32, {4}), *w = input("w", DType::f32, {2, 4, 3});
  for (const char* op : {"ArgMax", "ArgMin"}) {
    for (const int64_t keep : {0, 1}) {
      graph.add_output(b.emit_with(
          op, {{"axis", int64_t{0}}, {"keepdims", keep}, {"select_last_index", int64_t{0}}}, {x}));
    }
  }
  graph.add_output(b.emit_with("Softmax", {{"axis", int64_t{-1}}}, {x}));
  graph.add_output(b.emit_with("LogSoftmax", {{"axis", int64_t{0}}}, {x}));
  graph.add_output(b.emit_named("MatMul", {x, w}));
  std::vector<float> weights(24);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 7) - 3;
  keeps({{floats({4}, {1, 3, -2, 3}), floats({2, 4, 3}, weights)}});
  ir::for_each_node(graph, [](const Node& node) {
    if (node.is("ArgMax") || node.is("Softmax") || node.is("MatMul")) {
      EXPECT_EQ(node.input(0)->rank(), 2u);
    }
  });
}

TEST_F(Rewrites, ScatterBooleansAsIntegersWhereOnlyThoseAreTaken) {
  Value *x = input("x", DType::f32, {4}), *more = input("more", DType::f32, {2});
  const auto positive = [&](Value* v) {
    return b.emit_named("Greater", {v, b.scalar(0, DType::f32)});
  };
  graph.add_output(b.emit_with("ScatterElements",
                               {{"axis", int64_t{0}}, {"reduction", std::string("none")}},
                               {positive(x), b.ints({3, 1}), positive(more)}));
  release = {.family = Family::tensorrt, .version = {10, 3, 0}};
  keeps({{floats({4}, {1, 3, -2, 3}), floats({2}, {-1, -1})},
         {floats({4}, {-1, -3, -2, 3}), floats({2}, {-1, 1})}});
  ir::for_each_node(graph, [](const Node& node) {
    if (node.is("ScatterElements")) {
      EXPECT_EQ(node.output()->dtype(), DType::i32);
    }
  });
  // TensorRT-RTX takes booleans.
  release = {.family = Family::rtx};
  graph.add_output(b.emit_with("ScatterElements",
                               {{"axis", int64_t{0}}, {"reduction", std::string("none")}},
                               {positive(x), b.ints({0, 1}), positive(more)}));
  Value* last = graph.outputs()[1];
  ASSERT_TRUE(rewrite(graph, release, ops));
  EXPECT_EQ(graph.outputs()[1], last);
}

TEST_F(Rewrites, ComposeXorWhereThereIsNone) {
  Value *x = input("x", DType::f32, {2, 1}), *y = input("y", DType::f32, {2});
  const auto positive = [&](Value* v) {
    return b.emit_named("Greater", {v, b.scalar(0, DType::f32)});
  };
  graph.add_output(b.emit_named("Xor", {positive(x), positive(y)}));
  release = {.family = Family::tensorrt, .version = {8, 2, 0}};
  keeps({{floats({2, 1}, {1, -1}), floats({2}, {1, -1})}});
  EXPECT_EQ(count(graph, "Xor"), 0u);
}

// --- lists

class Lists : public Rewrites {
 protected:
  Lists() {
    x = input("x", DType::f32, {3, 2});
    turns = input("n", DType::i64, {});
  }

  Value* empty() { return b.emit_with("SequenceEmpty", {{"dtype", int64_t{1}}}, {}); }

  // A loop that adds a row, plus what is there, in every turn, and counts by one.
  Node* adding(Value* list, std::vector<Value*> more = {}) {
    return loop(
        b, turns, {list, x},
        [&](ir::Builder& in, std::span<Value* const> inside) {
          Value* row = in.emit_with("Gather", {{"axis", int64_t{0}}}, {x, inside[0]});
          std::vector<Value*> words = {inside[2], row};
          words.insert(words.end(), more.begin(), more.end());
          return std::vector{in.emit_named("SequenceInsert", words),
                             in.emit_named("Add", {inside[3], row})};
        },
        2);
  }

  Value* joined(Value* list, int64_t axis, int64_t new_axis) {
    return b.emit_with("ConcatFromSequence", {{"axis", axis}, {"new_axis", new_axis}}, {list});
  }

  std::vector<std::vector<Tensor>> sets() const {
    const Tensor rows = floats({3, 2}, {1, 2, 3, 4, 5, 6});
    return {{rows, Tensor::scalar_i64(3)}, {rows, Tensor::scalar_i64(1)}};
  }

  size_t lists() const {
    size_t out = 0;
    ir::for_each_node(graph, [&](const Node& node) {
      for (const Value* v : node.outputs()) out += !v->type.is_tensor();
    });
    return out;
  }

  Value *x = nullptr, *turns = nullptr;
};

TEST_F(Lists, ThatGrowInEveryTurnAreCollected) {
  const Node* node = adding(empty());
  Value* list = node->output(0);
  for (const int64_t axis : {0, 1, -1}) graph.add_output(joined(list, axis, 1));
  graph.add_output(joined(list, 0, 0));
  graph.add_output(joined(list, -1, 0));
  graph.add_output(b.emit_named("SequenceLength", {list}));
  for (const int64_t at : {0, -1})
    graph.add_output(b.emit_named("SequenceAt", {list, b.scalar_int(at)}));
  graph.add_output(node->output(1));
  keeps(sets());
  EXPECT_EQ(lists(), 0u);
}

TEST_F(Lists, MayHoldSomethingBefore) {
  Value* first = b.constant(floats({2}, {-1, -2}));
  const Node* node = adding(b.emit_named("SequenceConstruct", {first, first}));
  graph.add_output(joined(node->output(0), 0, 1));
  graph.add_output(b.emit_named("SequenceLength", {node->output(0)}));
  keeps(sets());
  EXPECT_EQ(lists(), 0u);
}

TEST_F(Lists, AreReadInOtherLoops) {
  Value* list = adding(empty())->output(0);
  const auto sum = [&](ir::Builder& in, std::span<Value* const> inside) {
    return std::vector{
        in.emit_named("Add", {inside[2], in.emit_named("SequenceAt", {list, inside[0]})})};
  };
  Value* zeros = b.constant(floats({2}, {0, 0}));
  graph.add_output(loop(b, b.emit_named("SequenceLength", {list}), {zeros}, sum, 1)->output());
  keeps(sets());
  EXPECT_EQ(lists(), 0u);
}

TEST_F(Lists, ThatGrowInFrontStay) {
  const Node* node = adding(empty(), {b.scalar_int(0)});
  graph.add_output(joined(node->output(0), 0, 1));
  keeps(sets());
  EXPECT_GT(lists(), 0u);
}

TEST_F(Lists, ThatAreReadWhileTheyGrowStay) {
  Value* first = b.constant(floats({2}, {1, 1}));
  const Node* node = loop(
      b, turns, {b.emit_named("SequenceConstruct", {first})},
      [&](ir::Builder& in, std::span<Value* const> inside) {
        Value* last = in.emit_named("SequenceAt", {inside[2], in.scalar_int(-1)});
        return std::vector{
            in.emit_named("SequenceInsert", {inside[2], in.emit_named("Add", {last, last})})};
      },
      1);
  graph.add_output(joined(node->output(0), 0, 1));
  keeps(sets());
  EXPECT_GT(lists(), 0u);
}

}  // namespace
}  // namespace tenon::tensorrt
