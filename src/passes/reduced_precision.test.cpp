#include "passes/reduced_precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/half.h"
#include "ir/builder.h"
#include "ir/verifier.h"
#include "ops/attention/attention.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/constant_of_shape/constant_of_shape.h"
#include "ops/conv/conv.h"
#include "ops/gather/gather.h"
#include "ops/gemm/gemm.h"
#include "ops/if/if.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/loop/loop.h"
#include "ops/quantize/quantize.h"
#include "ops/random/random.h"
#include "ops/range/range.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/sequence/sequence.h"
#include "ops/shape/shape.h"
#include "ops/softmax/softmax.h"
#include "ops/tables.h"
#include "ops/topk/topk.h"
#include "ops/transpose/transpose.h"
#include "passes/narrow_constant.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Type;
using ir::Value;

constexpr float kLowest = std::numeric_limits<float>::lowest();

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  ir::OpSet ops{op_table};
  ir::RefKernels kernels{ref_table};
  PassContext context{ops, kernels};
};
const Tables& tables() {
  static const Tables all;
  return all;
}

Tensor filled(Dims dims, float seed = 0.4f) {
  Tensor out = Tensor::zeros(DType::f32, std::move(dims));
  float next = seed;
  for (float& v : out.mutable_values<float>()) {
    next = std::fmod(next * 3.7f + 0.31f, 1.0f);
    v = next - 0.4f;
  }
  return out;
}

Tensor floats(Dims dims, std::vector<float> values) {
  return Tensor::of<float>(DType::f32, std::move(dims), values);
}

struct ReducedPrecisionTest : testing::Test {
  ir::Graph graph;
  ir::Builder b{graph, tables().ops};
  ReducedPrecisionOptions options;

  Value* input(const char* name, Dims dims, DType type = DType::f32) {
    return graph.add_input(name, Type::tensor(type, ir::Shape(dims.begin(), dims.end())));
  }
  Value* weight(Dims dims, const char* name, float seed = 0.4f) {
    return b.constant(filled(std::move(dims), seed), name);
  }
  Value* number(float v) { return b.scalar(v, DType::f32); }
  void output(Value* value, const char* name = "y") {
    const Status built = b.status();
    ASSERT_TRUE(built) << built.error().message();
    value->name = name;
    graph.add_output(value);
  }
  ReducedPrecision reduce(DType type = DType::f16) {
    options.type = type;
    auto done = reduce_precision(graph, options, tables().context);
    EXPECT_TRUE(done) << done.error().message();
    const Status verified = ir::verify(graph, tables().ops, "the test");
    EXPECT_TRUE(verified) << verified.error().message();
    return done ? *done : ReducedPrecision();
  }
  // Each node with the type of what it gives: "Cast:f16 Conv:f16 If:f16(Relu:f16|Neg:f16)".
  static std::string types(const ir::Graph& g) {
    std::string out;
    for (const auto& node : g.nodes()) {
      const Type& type = node->output(0)->type;
      out += fmt::format("{}{}:{}", out.empty() ? "" : " ", node->op,
                         type.is_tensor() ? name(type.dtype) : "sequence");
      std::string inner;
      for (const ir::Subgraph& sub : node->subgraphs)
        inner += (inner.empty() ? "" : "|") + types(*sub.graph);
      if (!node->subgraphs.empty()) out += "(" + inner + ")";
    }
    return out;
  }
  std::string types() const { return types(graph); }

  // Reduces the graph and compares what it gives with what it gave before.
  ReducedPrecision reduce_and_compare(std::vector<Tensor> inputs, DType type = DType::f16) {
    const auto before = ir::evaluate(graph, tables().kernels, inputs);
    EXPECT_TRUE(before) << before.error().message();
    ReducedPrecision out = reduce(type);
    const auto after = ir::evaluate(graph, tables().kernels, inputs);
    EXPECT_TRUE(after) << after.error().message();
    if (!before || !after) return out;
    const double limit = type == DType::f16 ? 1e-2 : 5e-2;
    for (size_t i = 0; i < before->size(); ++i) {
      EXPECT_EQ((*before)[i].dtype(), (*after)[i].dtype());
      if ((*before)[i].dtype() != DType::f32) continue;
      const auto want = (*before)[i].values<float>(), got = (*after)[i].values<float>();
      double largest = 0;
      for (const float v : want) largest = std::max(largest, std::fabs(double{v}));
      EXPECT_GT(largest, 0);
      for (size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(got[k], want[k], limit * largest);
    }
    return out;
  }
  static std::string reason_of(const ReducedPrecision& reduced, std::string_view op) {
    for (const KeptNode& kept : reduced.kept) {
      if (kept.op == op) return kept.reason;
    }
    return {};
  }
};

TEST_F(ReducedPrecisionTest, ConvolutionReluAndGemm) {
  Value* x = input("x", {1, 3, 6, 6});
  Value* y = b.emit(
      ops::Conv{
          .dilations = {1, 1}, .kernel_shape = {3, 3}, .pads = {0, 0, 0, 0}, .strides = {1, 1}},
      {x, weight({4, 3, 3, 3}, "conv.weight"), weight({4}, "conv.bias")});
  y = b.emit_named("Relu", {y});
  y = b.emit_with("Flatten", {{"axis", int64_t{1}}}, {y});
  output(b.emit(ops::Gemm{.trans_b = true},
                {y, weight({5, 64}, "fc.weight", 0.7f), weight({5}, "fc.bias")}));
  const ReducedPrecision out = reduce_and_compare({filled({1, 3, 6, 6}, 0.2f)});
  EXPECT_EQ(types(), "Cast:f16 Conv:f16 Relu:f16 Flatten:f16 Gemm:f16 Cast:f32");
  EXPECT_TRUE(out.kept.empty());
  EXPECT_TRUE(out.clamped.empty());
  EXPECT_EQ(out.casts, 2u);
  EXPECT_EQ(out.values.at(DType::f16), 5u);
  EXPECT_EQ(graph.outputs()[0]->name, "y");
  for (const Value* constant : graph.constants()) {
    EXPECT_EQ(constant->dtype(), DType::f16) << constant->name;
    EXPECT_TRUE(constant->name.starts_with("conv.") || constant->name.starts_with("fc."));
  }
}

TEST_F(ReducedPrecisionTest, InputsAndOutputsTakeTheTypesAskedFor) {
  Value* x = input("x", {2, 4});
  Value* z = input("z", {2, 4});
  Value* sum = b.emit_named("Add", {x, z});
  output(sum, "sum");
  output(b.emit_named("Neg", {sum}), "negative");
  options.io = DType::f16;
  options.io_of = {{"z", DType::f32}, {"negative", DType::f32}};
  reduce();
  EXPECT_EQ(types(), "Cast:f16 Add:f16 Neg:f16 Cast:f32");
  EXPECT_EQ(x->dtype(), DType::f16);
  EXPECT_EQ(z->dtype(), DType::f32);
  EXPECT_EQ(graph.outputs()[0]->dtype(), DType::f16);
  EXPECT_EQ(graph.outputs()[0]->name, "sum");
  EXPECT_EQ(graph.outputs()[1]->name, "negative");
}

TEST_F(ReducedPrecisionTest, OutputsThatAreUsedInsideKeepTheirNames) {
  Value* x = input("x", {2, 4});
  Value* relu = b.emit_named("Relu", {x});
  output(relu, "relu");
  output(b.emit_named("Neg", {relu}), "negative");
  reduce();
  EXPECT_EQ(types(), "Cast:f16 Relu:f16 Cast:f32 Neg:f16 Cast:f32");
  EXPECT_EQ(graph.outputs()[0]->name, "relu");
}

TEST_F(ReducedPrecisionTest, AValueIsCastOnceForAllWhoTakeIt) {
  Value* x = input("x", {2, 4});
  Value* y = b.emit_named("Relu", {x});
  output(b.emit_named("Add", {b.emit_named("Mul", {x, y}), b.emit_named("Add", {x, y})}));
  reduce_and_compare({filled({2, 4})});
  EXPECT_EQ(types(), "Cast:f16 Relu:f16 Mul:f16 Add:f16 Add:f16 Cast:f32");
}

TEST_F(ReducedPrecisionTest, NormsComputeTheirStatisticsInF32) {
  Value* x = input("x", {2, 8});
  const auto norm = b.emit_n(ops::LayerNormalization{.stash_type = 1},
                             {x, weight({8}, "scale"), weight({8}, "bias")}, 2);
  output(norm[0], "y");
  output(norm[1], "mean");
  reduce_and_compare({filled({2, 8}, 0.1f)});
  EXPECT_EQ(types(), "Cast:f16 LayerNormalization:f16 Cast:f32");
  const ir::Node& node = *graph.outputs()[1]->producer;
  EXPECT_EQ(node.op, "LayerNormalization");
  EXPECT_EQ(node.as<ops::LayerNormalization>().stash_type, 1);
  EXPECT_EQ(node.output(1)->dtype(), DType::f32);
}

TEST_F(ReducedPrecisionTest, AttentionTakesItsSoftmaxInF32) {
  Value* x = input("x", {1, 2, 3, 4});
  output(b.emit(ops::Attention{.is_causal = true}, {x, x, x}));
  reduce_and_compare({filled({1, 2, 3, 4})});
  EXPECT_EQ(types(), "Cast:f16 Attention:f16 Cast:f32");
  const ir::Node* attention = graph.nodes().front().get()->output(0)->uses[0].node;
  EXPECT_EQ(attention->as<ops::Attention>().softmax_precision, 1);
}

TEST_F(ReducedPrecisionTest, TheLowestNumberOfAMaskIsClampedAndNamed) {
  Value* x = input("x", {2, 3});
  Value* mask = input("mask", {2, 3}, DType::boolean);
  Value* scores = b.emit_named("Where", {mask, x, number(kLowest)});
  scores = b.emit_named("Add", {scores, b.constant(floats({3}, {0, -1e9f, 0}), "added")});
  output(b.emit(ops::Softmax{}, {scores}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Cast:f16 Where:f16 Add:f16 Softmax:f16 Cast:f32");
  ASSERT_EQ(out.clamped.size(), 2u);
  EXPECT_EQ(out.clamped[0].op, "Where");
  EXPECT_EQ(out.clamped[0].value, kLowest);
  EXPECT_EQ(out.clamped[0].becomes, -65504);
  EXPECT_EQ(out.clamped[1].name, "added");
  EXPECT_EQ(out.clamped[1].value, -1e9);
  EXPECT_TRUE(out.kept.empty());
}

TEST_F(ReducedPrecisionTest, MasksGoThroughViews) {
  Value* x = input("x", {2, 3});
  Value* fill = b.emit_named("Expand", {b.constant(floats({1}, {-1e30f}), "fill"), b.ints({2, 3})});
  output(b.emit_named("Add", {x, fill}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Cast:f16 Expand:f16 Add:f16 Cast:f32");
  EXPECT_EQ(out.clamped.size(), 1u);
}

TEST_F(ReducedPrecisionTest, OtherNumbersBeyondF16KeepTheirNodeInF32) {
  Value* x = input("x", {2, 2});
  Value* y = b.emit_named("MatMul", {x, b.constant(floats({2, 2}, {1, 2, 70000, -80000}), "w")});
  y = b.emit_named("Relu", {y});
  output(b.emit_named("Mul", {y, number(1e6f)}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "MatMul:f32 Cast:f16 Relu:f16 Cast:f32 Mul:f32");
  EXPECT_EQ(reason_of(out, "MatMul"),
            "its constant 'w' holds -80000, and the largest of f16 is 65504");
  EXPECT_TRUE(out.clamped.empty());
}

TEST_F(ReducedPrecisionTest, NumbersBeyondF16GoThroughViewsInF32) {
  Value* x = input("x", {2, 2});
  Value* w = b.emit(ops::Transpose{.perm = std::vector<int64_t>{1, 0}},
                    {b.constant(floats({2, 2}, {1, 2, 70000, 3}), "w")});
  output(b.emit_named("Neg", {b.emit_named("MatMul", {x, w})}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Transpose:f32 MatMul:f32 Cast:f16 Neg:f16 Cast:f32");
  EXPECT_EQ(out.kept.size(), 2u);
}

TEST_F(ReducedPrecisionTest, BF16HoldsWhatF16DoesNot) {
  Value* x = input("x", {2, 2});
  Value* y = b.emit_named("MatMul", {x, b.constant(floats({2, 2}, {1, 2, 70000, 1e-12f}), "w")});
  output(b.emit_named("Max", {b.emit_named("Mul", {y, number(1e6f)}), number(kLowest)}));
  const ReducedPrecision out = reduce(DType::bf16);
  EXPECT_EQ(types(), "Cast:bf16 MatMul:bf16 Mul:bf16 Max:bf16 Cast:f32");
  ASSERT_EQ(out.clamped.size(), 1u);
  EXPECT_LT(out.clamped[0].becomes, -3.38e38);
}

TEST_F(ReducedPrecisionTest, ATermThatIsZeroInF16StaysUpToTheDivision) {
  Value* x = input("x", {2, 4});
  Value* mean = b.emit(ops::ReduceMean{.keepdims = true}, {x, b.ints({-1})});
  Value* centred = b.emit_named("Sub", {x, mean});
  Value* variance = b.emit(ops::ReduceMean{.keepdims = true},
                           {b.emit_named("Mul", {centred, centred}), b.ints({-1})});
  Value* root = b.emit_named("Sqrt", {b.emit_named("Add", {variance, number(1e-12f)})});
  output(b.emit_named("Relu", {b.emit_named("Div", {centred, root})}));
  const ReducedPrecision out = reduce_and_compare({filled({2, 4}, 0.3f)});
  EXPECT_EQ(types(),
            "Cast:f16 ReduceMean:f16 Sub:f16 Cast:f32 Mul:f16 ReduceMean:f16 Cast:f32 Add:f32 "
            "Sqrt:f32 Div:f32 Cast:f16 Relu:f16 Cast:f32");
  EXPECT_NE(reason_of(out, "Add").find("1e-12, which is zero in f16"), std::string::npos);
  EXPECT_FALSE(reason_of(out, "Div").empty());
}

TEST_F(ReducedPrecisionTest, WeightsThatVanishKeepTheirNode) {
  Value* x = input("x", {2, 2});
  Value* tiny = b.constant(floats({2, 2}, {1e-9f, 0, -2e-9f, 1e-10f}), "tiny");
  Value* small = b.constant(floats({2, 2}, {1e-9f, 0, 1e-3f, 0}), "small");
  output(b.emit_named("MatMul", {b.emit_named("MatMul", {x, small}), tiny}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Cast:f16 MatMul:f16 Cast:f32 MatMul:f32");
  EXPECT_EQ(reason_of(out, "MatMul"),
            "its constant 'tiny' holds numbers as small as 1e-10, which is zero in f16");
}

// A graph with a branch, whose bodies take what is around them.
TEST_F(ReducedPrecisionTest, BranchesGiveTheTypeAndTakeWhatIsAroundThem) {
  Value* x = input("x", {2, 2});
  Value* condition = input("condition", {}, DType::boolean);
  Value* outer = b.emit_named("Relu", {x});
  Value* w = weight({2, 2}, "w");
  ir::Node* node = graph.add_node("", "If", {}, {condition}, 1);
  for (const char* branch : {"then_branch", "else_branch"}) {
    ir::Graph* sub = graph.add_subgraph(node, branch);
    b.enter(*sub);
    const bool yes = branch[0] == 't';
    sub->add_output(yes ? b.emit_named("MatMul", {outer, w}) : b.emit_named("Sin", {outer}));
  }
  b.enter(graph);
  ASSERT_TRUE(ir::infer(graph, tables().ops));
  output(b.emit_named("Neg", {node->output(0)}));
  const ReducedPrecision out = reduce_and_compare(
      {filled({2, 2}), Tensor::of<uint8_t>(DType::boolean, {}, std::vector<uint8_t>{1})});
  EXPECT_EQ(types(),
            "Cast:f16 Relu:f16 Cast:f32 If:f16(MatMul:f16|Sin:f32 Cast:f16) Neg:f16 Cast:f32");
  EXPECT_EQ(out.kept.size(), 1u);
}

// A loop that carries a matrix and takes another from around it; gives the last and all of them.
struct ReducedLoopTest : ReducedPrecisionTest {
  Value* state = nullptr;
  ir::Node* node = nullptr;
  void build();
};

void ReducedLoopTest::build() {
  Value* x = input("x", {2, 2});
  Value* count = input("count", {}, DType::i64);
  Value* outer = b.emit_named("Tanh", {x});
  node = graph.add_node("", "Loop", {}, {count, nullptr, x}, 2);
  ir::Graph* body = graph.add_subgraph(node, "body");
  body->add_input("i", Type::tensor(DType::i64, ir::Shape{}));
  Value* go_on = body->add_input("go_on", Type::tensor(DType::boolean, ir::Shape{}));
  state = body->add_input("state", x->type);
  b.enter(*body);
  body->add_output(b.emit_named("Identity", {go_on}));
  Value* next = b.emit_named("Add", {b.emit_named("MatMul", {state, weight({2, 2}, "w")}), outer});
  body->add_output(next);
  body->add_output(b.emit_named("Relu", {next}));
  b.enter(graph);
  ASSERT_TRUE(ir::infer(graph, tables().ops));
  output(node->output(0), "last");
  output(node->output(1), "all");
}

TEST_F(ReducedLoopTest, WhatIsCarriedIsOfTheType) {
  build();
  reduce_and_compare({filled({2, 2}), Tensor::scalar_i64(3)});
  EXPECT_EQ(
      types(),
      "Cast:f16 Tanh:f16 Loop:f16(Identity:bool MatMul:f16 Add:f16 Relu:f16) Cast:f32 Cast:f32");
  EXPECT_EQ(state->dtype(), DType::f16);
  EXPECT_EQ(node->output(1)->dtype(), DType::f16);
}

TEST_F(ReducedLoopTest, ALoopThatIsKeptCarriesF32AroundABodyOfTheType) {
  build();
  options.keep = [](const ir::Node& n) { return n.op == "Loop" ? "asked" : ""; };
  reduce_and_compare({filled({2, 2}), Tensor::scalar_i64(3)});
  EXPECT_EQ(types(),
            "Cast:f16 Tanh:f16 Loop:f32(Cast:f16 Identity:bool MatMul:f16 Add:f16 Cast:f32 "
            "Relu:f16 Cast:f32)");
  EXPECT_EQ(state->dtype(), DType::f32);
}

TEST_F(ReducedPrecisionTest, SequencesHoldTheType) {
  Value* x = input("x", {2, 2});
  Value* list = b.emit(ops::SequenceEmpty{}, {});
  list = b.emit_named("SequenceInsert", {list, x});
  list = b.emit_named("SequenceInsert", {list, b.emit_named("Neg", {x})});
  output(b.emit(ops::ConcatFromSequence{.axis = 0}, {list}));
  reduce();
  EXPECT_EQ(types(),
            "Cast:f16 SequenceEmpty:sequence SequenceInsert:sequence Neg:f16 "
            "SequenceInsert:sequence ConcatFromSequence:f16 Cast:f32");
}

TEST_F(ReducedPrecisionTest, SequencesThatTheFormLacksStayInF32Together) {
  Value* x = input("x", {2, 2});
  Value* list = b.emit(ops::SequenceEmpty{}, {});
  list = b.emit_named("SequenceInsert", {list, b.emit_named("Neg", {x})});
  output(b.emit_named("Relu", {b.emit(ops::ConcatFromSequence{.axis = 0}, {list})}));
  options.refuses = [](const ir::Node& node, bool, size_t, const Type& type) {
    return node.op == "SequenceInsert" && !type.is_tensor() ? "no such sequences" : "";
  };
  const ReducedPrecision out = reduce(DType::bf16);
  EXPECT_EQ(types(),
            "Cast:bf16 SequenceEmpty:sequence Neg:bf16 Cast:f32 SequenceInsert:sequence "
            "ConcatFromSequence:f32 Cast:bf16 Relu:bf16 Cast:f32");
  EXPECT_EQ(out.kept.size(), 3u);
}

TEST_F(ReducedPrecisionTest, ASequenceAtTheBoundaryIsRefused) {
  Value* x = input("x", {2, 2});
  Value* list = b.emit_named("SequenceInsert", {b.emit(ops::SequenceEmpty{}, {}), x});
  output(list, "list");
  const auto done = reduce_precision(graph, options, tables().context);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::unsupported);
  EXPECT_NE(done.error().why.find("'list' is a sequence"), std::string::npos);
}

TEST_F(ReducedPrecisionTest, ScalesOfResizeStayInF32) {
  Value* x = input("x", {1, 1, 4, 4});
  Value* scales = b.constant(floats({4}, {1, 1, 2, 2}), "scales");
  output(b.emit(ops::Resize{.mode = "linear"}, {b.emit_named("Relu", {x}), nullptr, scales}));
  const ReducedPrecision out = reduce_and_compare({filled({1, 1, 4, 4})});
  EXPECT_EQ(types(), "Cast:f16 Relu:f16 Resize:f16 Cast:f32");
  EXPECT_EQ(scales->uses.size(), 1u);
  EXPECT_TRUE(out.kept.empty());
}

TEST_F(ReducedPrecisionTest, TheBestAndWhatTheyChoose) {
  Value* x = input("x", {2, 6});
  const auto best = b.emit_n(ops::TopK{}, {x, b.ints({2})}, 2);
  output(best[0], "values");
  output(b.emit(ops::Gather{.axis = 0}, {weight({6, 3}, "table"), best[1]}), "rows");
  reduce_and_compare({floats({2, 6}, {1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1})});
  EXPECT_EQ(types(), "Cast:f16 TopK:f16 Cast:f32 Gather:f16 Cast:f32");
  EXPECT_EQ(graph.outputs()[1]->producer->input(0)->producer->input(0)->name, "table");
}

TEST_F(ReducedPrecisionTest, EmbeddingsHaveTablesOfTheType) {
  Value* ids = input("ids", {2, 3}, DType::i64);
  Value* rows = b.emit(ops::Gather{.axis = 0}, {weight({6, 4}, "table"), ids});
  output(b.emit_named("Relu", {rows}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Gather:f16 Relu:f16 Cast:f32");
  EXPECT_EQ(out.casts, 1u);
  EXPECT_EQ(ids->dtype(), DType::i64);
}

TEST_F(ReducedPrecisionTest, QuantisedValuesHaveScalesOfTheType) {
  Value* x = input("x", {2, 4});
  Value* zero = b.constant(Tensor::of<int8_t>(DType::i8, {}, std::vector<int8_t>{3}), "zero");
  auto through = [&](Value* v, float scale) {
    Value* s = number(scale);
    return b.emit(ops::DequantizeLinear{}, {b.emit(ops::QuantizeLinear{}, {v, s, zero}), s, zero});
  };
  output(through(through(x, 0.05f), 3e-6f));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(),
            "Cast:f16 QuantizeLinear:i8 DequantizeLinear:f16 Cast:f32 QuantizeLinear:i8 "
            "DequantizeLinear:f32");
  ASSERT_EQ(out.kept.size(), 2u);
  EXPECT_EQ(out.kept[0].reason, "its scale 3e-06 loses digits in f16");
}

TEST_F(ReducedPrecisionTest, OtherTypesStay) {
  Value* x = input("x", {2, 4});
  Value* wide = b.emit_named("Sqrt", {b.cast(b.emit_named("Abs", {x}), DType::f64)});
  Value* y = b.emit_named("Mul", {b.cast(wide, DType::f32), x});
  output(y);
  output(b.emit_named("Neg", {wide}), "wide");
  reduce_and_compare({filled({2, 4})});
  EXPECT_EQ(types(), "Cast:f16 Abs:f16 Cast:f64 Sqrt:f64 Cast:f16 Mul:f16 Cast:f32 Neg:f64");
}

TEST_F(ReducedPrecisionTest, CastsToF32GiveWhatIsWanted) {
  Value* ids = input("ids", {2, 4}, DType::i64);
  Value* real = b.cast(ids, DType::f32);
  output(b.emit_named("Relu", {real}), "narrow");
  output(b.emit_named("Cos", {real}), "wide");
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Cast:f32 Cast:f16 Relu:f16 Cast:f32 Cos:f32");
  EXPECT_EQ(reason_of(out, "Cos"), "an angle loses its place in 16 bits");
}

TEST_F(ReducedPrecisionTest, CastsOfTheModelThatCancelAreRemoved) {
  Value* x = input("x", {2, 4});
  Value* half = b.cast(b.emit_named("Relu", {x}), DType::f16);
  Value* y = b.cast(b.emit_named("Neg", {half}), DType::f32);
  output(b.emit_named("Abs", {y}));
  reduce();
  EXPECT_EQ(types(), "Cast:f16 Relu:f16 Neg:f16 Abs:f16 Cast:f32");
}

TEST_F(ReducedPrecisionTest, SizesAreComputedAsTheyWere) {
  graph.symbols.push_back({.name = "N", .range = {1, 9000}});
  Value* x = graph.add_input("x", Type::tensor(DType::f32, ir::Shape{Dim::symbol("N"), 2}));
  graph.symbols[0].source = x;
  graph.symbols[0].axis = 0;
  Value* rows = b.emit(ops::Shape{.end = 1}, {x});
  Value* half =
      b.emit_named("Floor", {b.emit_named("Mul", {b.cast(rows, DType::f32), number(0.5f)})});
  Value* target =
      b.emit_with("Concat", {{"axis", int64_t{0}}}, {b.cast(half, DType::i64), b.ints({-1})});
  output(b.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {b.emit_named("Relu", {x}), target}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(out.kept.size(), 2u);
  EXPECT_EQ(types().find("Floor:f16"), std::string::npos);
  EXPECT_EQ(types(),
            "Cast:f16 Shape:i64 Cast:f32 Mul:f32 Floor:f32 Cast:i64 Concat:i64 Relu:f16 "
            "Reshape:f16 Cast:f32");
}

TEST_F(ReducedPrecisionTest, SizesThatDivideStayInF32) {
  graph.symbols.push_back({.name = "N", .range = {1, 900000}});
  Value* x = graph.add_input("x", Type::tensor(DType::f32, ir::Shape{Dim::symbol("N")}));
  graph.symbols[0].source = x;
  graph.symbols[0].axis = 0;
  Value* rows = b.cast(b.emit(ops::Shape{.end = 1}, {x}), DType::f32);
  output(b.emit_named("Relu", {b.emit_named("Div", {x, rows})}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Shape:i64 Cast:f32 Div:f32 Cast:f16 Relu:f16 Cast:f32");
  EXPECT_EQ(reason_of(out, "Div"), "a size may be larger than f16 holds");
}

TEST_F(ReducedPrecisionTest, PositionsAndAnglesStayInF32) {
  Value* count = input("count", {}, DType::f32);
  Value* places = b.emit(ops::Range{}, {number(0), count, number(1)});
  Value* angles = b.emit_named("Mul", {places, number(0.3f)});
  output(b.emit_named("Relu", {b.emit_named("Sin", {angles})}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(), "Range:f32 Mul:f32 Sin:f32 Cast:f16 Relu:f16 Cast:f32");
  EXPECT_EQ(reason_of(out, "Mul"), "it computes an angle");
}

TEST_F(ReducedPrecisionTest, WhatIsAskedForStaysWithoutCastsInBetween) {
  Value* x = input("x", {2, 4});
  Value* y = b.emit(ops::Softmax{}, {b.emit_named("Relu", {x})});
  y = b.emit(ops::Transpose{.perm = std::vector<int64_t>{1, 0}}, {y});
  y = b.emit(ops::Softmax{}, {y});
  output(b.emit_named("Neg", {y}));
  options.keep = [](const ir::Node& node) { return node.op == "Softmax" ? "asked" : ""; };
  const ReducedPrecision out = reduce_and_compare({filled({2, 4})});
  EXPECT_EQ(types(),
            "Cast:f16 Relu:f16 Cast:f32 Softmax:f32 Transpose:f32 Softmax:f32 Cast:f16 Neg:f16 "
            "Cast:f32");
  EXPECT_EQ(reason_of(out, "Softmax"), "asked");
  EXPECT_EQ(reason_of(out, "Transpose"), "what is around it is in fp32");
}

TEST_F(ReducedPrecisionTest, WhatTheFormLacksStaysInF32) {
  Value* x = input("x", {2, 4});
  output(b.emit_named("Erf", {b.emit_named("Erf", {b.emit_named("Relu", {x})})}));
  options.refuses = [](const ir::Node& node, bool output, size_t, const Type& type) {
    EXPECT_EQ(type.dtype, DType::bf16);
    return node.op == "Erf" && !output ? "not before opset 13" : "";
  };
  const ReducedPrecision out = reduce(DType::bf16);
  EXPECT_EQ(types(), "Cast:bf16 Relu:bf16 Cast:f32 Erf:f32 Erf:f32");
  EXPECT_EQ(out.kept.size(), 2u);
}

TEST_F(ReducedPrecisionTest, WhatMakesTensorsMakesThemInTheType) {
  Value* x = input("x", {2, 4});
  Value* filled_with =
      b.emit(ops::ConstantOfShape{.value = floats({1}, {kLowest})}, {b.ints({2, 4})});
  Value* noise = b.emit(ops::RandomNormal{.dtype = 1, .shape = {2, 4}}, {});
  Value* like = b.emit(ops::RandomUniformLike{}, {x});
  Value* sum = b.emit_named("Max", {x, filled_with});
  output(b.emit_named("Add", {b.emit_named("Add", {sum, noise}), like}));
  const ReducedPrecision out = reduce();
  EXPECT_EQ(types(),
            "Cast:f16 ConstantOfShape:f16 RandomNormal:f16 RandomUniformLike:f32 Cast:f16 Max:f16 "
            "Add:f16 Add:f16 Cast:f32");
  ASSERT_EQ(out.clamped.size(), 1u);
  EXPECT_EQ(out.clamped[0].op, "ConstantOfShape");
}

TEST_F(ReducedPrecisionTest, BatchNormsBecomeWeightsFirst) {
  Value* x = input("x", {1, 2, 4, 4});
  Value* y = b.emit(
      ops::Conv{
          .dilations = {1, 1}, .kernel_shape = {1, 1}, .pads = {0, 0, 0, 0}, .strides = {1, 1}},
      {x, weight({2, 2, 1, 1}, "w")});
  y = b.emit(ops::BatchNormalization{},
             {y, weight({2}, "scale"), weight({2}, "bias"), weight({2}, "mean"),
              b.constant(floats({2}, {1e-9f, 0.5f}), "variance")});
  output(b.emit_named("Neg", {y}));
  const ReducedPrecision out = reduce_and_compare({filled({1, 2, 4, 4})});
  EXPECT_EQ(types(), "Cast:f16 Conv:f16 Neg:f16 Cast:f32");
  EXPECT_TRUE(out.kept.empty());
}

TEST(NarrowConstant, SaysWhatBecomesOfNumbers) {
  const Tensor mixed = floats({4}, {0, 1e-8f, -70000, 5});
  EXPECT_EQ(narrowing(mixed, DType::f16).beyond, -70000);
  EXPECT_TRUE(narrowing(mixed, DType::f16).only_low);
  EXPECT_FALSE(narrowing(mixed, DType::f16).only_limits);
  EXPECT_FALSE(narrowing(mixed, DType::f16).vanishes);
  EXPECT_EQ(narrowing(mixed, DType::bf16).beyond, 0);
  EXPECT_FALSE(narrowing(floats({2}, {kLowest, 70000}), DType::f16).only_low);
  EXPECT_TRUE(narrowing(floats({2}, {kLowest, -kLowest}), DType::f16).only_limits);
  EXPECT_TRUE(narrowing(floats({2}, {0, 1e-9f}), DType::f16).vanishes);
  EXPECT_FALSE(narrowing(floats({2}, {0, 0}), DType::f16).vanishes);
}

TEST(NarrowConstant, RoundsAndClamps) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor out =
      narrowed(floats({6}, {1.0f, 65519.0f, 65520.0f, kLowest, infinity, -infinity}), DType::f16);
  const std::vector<float> want = {1, 65504, 65504, -65504, infinity, -infinity};
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_EQ(f16_to_float(out.values<uint16_t>()[i]), want[i]);
  const Tensor nan = narrowed(floats({1}, {std::nanf("")}), DType::bf16);
  EXPECT_TRUE(std::isnan(bf16_to_float(nan.values<uint16_t>()[0])));
  const Tensor low = narrowed(floats({1}, {kLowest}), DType::bf16);
  EXPECT_EQ(bf16_to_float(low.values<uint16_t>()[0]), -largest(DType::bf16));
}

}  // namespace
}  // namespace tenon::passes
