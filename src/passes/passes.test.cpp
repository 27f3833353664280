#include "passes/passes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "ir/builder.h"
#include "ir/printer.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "ops/activation/activation.h"
#include "ops/attention/attention.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/clip/clip.h"
#include "ops/conv/conv.h"
#include "ops/gemm/gemm.h"
#include "ops/group_norm/group_norm.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/reshape/reshape.h"
#include "ops/resize/resize.h"
#include "ops/rms_norm/rms_norm.h"
#include "ops/softmax/softmax.h"
#include "ops/tables.h"
#include "ops/transpose/transpose.h"
#include "ops/trilu/trilu.h"
#include "passes/compare.h"
#include "passes/multiplied_resizes.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Type;
using ir::Value;

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  std::vector<const onnx::Mapping*> onnx_table = ops::onnx_table();
  ir::OpSet ops{op_table};
  ir::RefKernels kernels{ref_table};
  onnx::Mappings mappings{onnx_table};
  PassContext context{ops, kernels};
};
const Tables& tables() {
  static const Tables all;
  return all;
}

Tensor filled(Dims dims, float seed) {
  Tensor out = Tensor::zeros(DType::f32, std::move(dims));
  float next = seed;
  for (float& v : out.mutable_values<float>())
    v = next = std::fmod(next * 3.7f + 0.31f, 1.0f) - 0.3f;
  return out;
}

struct PassTest : testing::Test {
  ir::Graph graph;
  ir::Builder b{graph, tables().ops};
  Value* x = nullptr;

  void SetUp() override {
    graph.symbols.push_back({.name = "N", .range = {1, 8}});
    x = graph.add_input("x", Type::tensor(DType::f32, ir::Shape{Dim::symbol("N"), 4, 6, 6}));
    graph.symbols[0].source = x;
    graph.symbols[0].axis = 0;
  }
  Value* weight(Dims dims, const char* name = "", float seed = 0.4f) {
    return b.constant(filled(std::move(dims), seed), name);
  }
  Value* scales_of(std::vector<float> axes) {
    return b.constant(Tensor::of<float>(DType::f32, {4}, axes));
  }
  void output(Value* value) {
    ASSERT_TRUE(b.status());
    value->name = "y";
    graph.add_output(value);
  }
  std::vector<Tensor> run(const ir::Graph& g) {
    const Tensor in = filled({2, 4, 6, 6}, 0.7f);
    auto out = ir::evaluate(g, tables().kernels, std::span(&in, 1));
    EXPECT_TRUE(out) << out.error().message();
    return out ? *out : std::vector<Tensor>();
  }
  void expect_same_results(const ir::Graph& other, float tolerance) {
    const auto a = run(graph), c = run(other);
    ASSERT_EQ(a.size(), c.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].shape(), c[i].shape());
      for (int64_t k = 0; k < a[i].count(); ++k)
        EXPECT_NEAR(a[i].values<float>()[k], c[i].values<float>()[k], tolerance);
    }
  }
  std::string ops_of(const ir::Graph& g) {
    std::string out;
    for (const auto& node : g.nodes()) out += (out.empty() ? "" : " ") + node->op;
    return out;
  }
  std::string canonical(const PipelineOptions& options = {.verify = true}) {
    const auto done = canonicalise(graph, tables().context, options);
    EXPECT_TRUE(done) << done.error().message();
    return ops_of(graph);
  }
};

// --- what is written at an old opset and read again is the same graph

struct RoundTrip {
  const char* name;
  std::function<Value*(PassTest&)> build;
};

class RoundTripTest : public PassTest, public testing::WithParamInterface<RoundTrip> {};

TEST_P(RoundTripTest, ComesBackTheSameFromEveryOpset) {
  output(GetParam().build(*this));
  canonical();
  for (int opset : {11, 13, 17, 18, 21, 24, ir::kCanonicalOpset}) {
    auto bytes = onnx::write(graph, {.opset = opset}, tables().ops, tables().mappings);
    ASSERT_TRUE(bytes) << bytes.error().message();
    std::shared_ptr<std::byte[]> copy(new std::byte[bytes->size()]);
    std::memcpy(copy.get(), bytes->data(), bytes->size());
    auto back = onnx::read(std::shared_ptr<const std::byte>(copy, copy.get()), bytes->size(), {},
                           tables().ops, tables().mappings);
    ASSERT_TRUE(back) << back.error().message();
    expect_same_results(**back, 2e-5f);
    ASSERT_TRUE(canonicalise(**back, tables().context, {.verify = true}));
    EXPECT_EQ(digest(**back), digest(graph)) << "opset " << opset << "\n"
                                             << ir::print(graph) << "\n"
                                             << ir::print(**back);
    expect_same_results(**back, 2e-5f);
  }
}

Value* heads(PassTest& t, float seed) {
  Value* scaled = t.b.emit_named("Mul", {t.x, t.b.scalar(seed, DType::f32)});
  return t.b.emit_named("Tanh", {scaled});
}

INSTANTIATE_TEST_SUITE_P(
    Operators, RoundTripTest,
    testing::Values(
        RoundTrip{"gelu", [](PassTest& t) { return t.b.emit(ops::Gelu{}, {t.x}); }},
        RoundTrip{"gelu_tanh",
                  [](PassTest& t) { return t.b.emit(ops::Gelu{.approximate = "tanh"}, {t.x}); }},
        RoundTrip{"swish", [](PassTest& t) { return t.b.emit(ops::Swish{}, {t.x}); }},
        RoundTrip{"swish_alpha",
                  [](PassTest& t) { return t.b.emit(ops::Swish{.alpha = 1.7f}, {t.x}); }},
        RoundTrip{"hard_swish", [](PassTest& t) { return t.b.emit_named("HardSwish", {t.x}); }},
        RoundTrip{"mish", [](PassTest& t) { return t.b.emit_named("Mish", {t.x}); }},
        RoundTrip{"celu", [](PassTest& t) { return t.b.emit(ops::Celu{.alpha = 0.7f}, {t.x}); }},
        RoundTrip{"softmax", [](PassTest& t) { return t.b.emit(ops::Softmax{.axis = 1}, {t.x}); }},
        RoundTrip{"trilu", [](PassTest& t) { return t.b.emit(ops::Trilu{.upper = false}, {t.x}); }},
        RoundTrip{"layer_norm",
                  [](PassTest& t) {
                    return t.b.emit(ops::LayerNormalization{.axis = 2},
                                    {t.x, t.weight({6, 6}, "w"), t.weight({6, 6}, "b", 0.2f)});
                  }},
        RoundTrip{"layer_norm_plain",
                  [](PassTest& t) {
                    return t.b.emit(ops::LayerNormalization{}, {t.x, t.weight({6}, "w")});
                  }},
        RoundTrip{"rms_norm",
                  [](PassTest& t) {
                    return t.b.emit(ops::RMSNormalization{}, {t.x, t.weight({6}, "w")});
                  }},
        RoundTrip{"group_norm",
                  [](PassTest& t) {
                    return t.b.emit(ops::GroupNormalization{.num_groups = 2},
                                    {t.x, t.weight({4}, "w"), t.weight({4}, "b", 0.2f)});
                  }},
        RoundTrip{"attention",
                  [](PassTest& t) {
                    return t.b.emit(ops::Attention{},
                                    {heads(t, 1.5f), heads(t, 0.5f), heads(t, 2)});
                  }},
        RoundTrip{"attention_scale",
                  [](PassTest& t) {
                    return t.b.emit(ops::Attention{.scale = 0.21f},
                                    {heads(t, 1.5f), heads(t, 0.5f), heads(t, 2)});
                  }},
        RoundTrip{"attention_causal",
                  [](PassTest& t) {
                    return t.b.emit(ops::Attention{.is_causal = true},
                                    {heads(t, 1.5f), heads(t, 0.5f), heads(t, 2)});
                  }},
        RoundTrip{"attention_mask",
                  [](PassTest& t) {
                    return t.b.emit(ops::Attention{}, {heads(t, 1.5f), heads(t, 0.5f), heads(t, 2),
                                                       t.weight({6, 6}, "mask")});
                  }},
        RoundTrip{"attention_joined_heads",
                  [](PassTest& t) {
                    Value* mask = t.weight({24, 24}, "mask");
                    t.x = t.b.emit(ops::Reshape{}, {t.x, t.b.ints({0, 24, 6})});
                    return t.b.emit(ops::Attention{.kv_num_heads = 2, .q_num_heads = 2},
                                    {heads(t, 1.5f), heads(t, 0.5f), heads(t, 2), mask});
                  }},
        RoundTrip{"reshape_symbolic",
                  [](PassTest& t) {
                    const Dim n = Dim::symbol("N");
                    return t.b.emit(ops::Reshape{},
                                    {t.x, t.b.shape(std::vector{n * Dim(2), Dim(2), Dim(36)})});
                  }},
        RoundTrip{"expand_symbolic",
                  [](PassTest& t) {
                    const Dim n = Dim::symbol("N");
                    Value* token = t.weight({1, 1, 3}, "token");
                    return t.b.emit_named(
                        "Expand", {token, t.b.shape(std::vector{floordiv(n + Dim(3), Dim(2)),
                                                                Dim(5), Dim(3)})});
                  }}),
    [](const auto& info) { return std::string(info.param.name); });

// --- single passes

TEST_F(PassTest, RemovesDetours) {
  Value* y = b.emit_named("Identity", {x});
  y = b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 2, 3, 1}}, {y});
  y = b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 3, 1, 2}}, {y});
  y = b.emit_named("Mul", {y, b.scalar(1, DType::f32)});
  y = b.emit(ops::Reshape{}, {y, b.ints({0, 2, 2, 36})});
  y = b.emit(ops::Reshape{}, {y, b.ints({0, 4, 6, 6})});
  y = b.emit_named("Slice", {y, b.ints({0}), b.ints({INT64_MAX}), b.ints({1})});
  y = b.emit(ops::Clip{}, {y});
  output(b.emit_named("Relu", {y}));
  EXPECT_EQ(canonical(), "Relu");
  EXPECT_EQ(graph.nodes().front()->input(0), x);
}

TEST_F(PassTest, MergesViewsUpToEightAxes) {
  // Patches of windows, thrice, as Hiera arranges its tokens: at once they would need nine axes.
  Value* y = b.emit_named("Slice", {x, b.ints({0, 0, 0, 0}), b.ints({1, 1, 1, 1})});
  y = b.emit_named("Add", {y, weight({1, 16, 16, 5}, "tokens")});
  for (int64_t batch = 1, size = 16; size > 2; batch *= 4, size /= 2) {
    y = b.emit(ops::Reshape{}, {y, b.ints({batch, size / 2, 2, size / 2, 2, 5})});
    y = b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 2, 4, 1, 3, 5}}, {y});
    y = b.emit(ops::Reshape{}, {y, b.ints({batch * 4, size / 2, size / 2, 5})});
  }
  output(y);
  const std::vector<Tensor> expected = run(graph);
  EXPECT_EQ(canonical(), "Slice Add Reshape Transpose Reshape Transpose Reshape");
  for (const auto& node : graph.nodes()) EXPECT_LE(*node->output()->rank(), 8U) << node->op;
  const std::vector<Tensor> got = run(graph);
  for (int64_t k = 0; k < expected[0].count(); ++k)
    EXPECT_EQ(got[0].values<float>()[k], expected[0].values<float>()[k]);
}

TEST_F(PassTest, FiltersByProductsWhereSizesAreFixed) {
  const ops::Resize op{.antialias = true, .mode = "linear"};
  Value* y = b.emit(op, {x, nullptr, scales_of({1, 1, 0.5f, 0.4f})});
  output(b.emit(
      op, {y, nullptr, nullptr, b.shape(std::vector{Dim::symbol("N"), Dim(2), Dim(3), Dim(9)})}));
  const auto before = ir::clone(graph);
  ASSERT_TRUE(multiply_resizes(graph, tables().context));
  EXPECT_EQ(ops_of(graph).find("Resize"), std::string::npos) << ops_of(graph);
  expect_same_results(*before, 1e-6f);
}

TEST_F(PassTest, LeavesFiltersOfSizesThatVary) {
  const ops::Resize op{.antialias = true, .mode = "linear"};
  output(b.emit(op, {x, nullptr, scales_of({0.5f, 1, 1, 1})}));
  ASSERT_TRUE(multiply_resizes(graph, tables().context));
  EXPECT_EQ(ops_of(graph), "Resize");
}

TEST_F(PassTest, KeepsOutputsThatAreInputsOrConstants) {
  output(b.emit_named("Identity", {x}));
  graph.add_output(b.emit_named("Add", {b.scalar(1, DType::f32), b.scalar(2, DType::f32)}));
  EXPECT_EQ(canonical(), "Identity Identity");
  EXPECT_EQ(run(graph)[1].values<float>()[0], 3);
}

TEST_F(PassTest, FoldsConstantsButLetsNothingGrow) {
  Value* small = b.emit_named("Add", {weight({4, 1, 1}), weight({4, 1, 1}, "", 0.1f)});
  Value* large = b.emit_named("Expand", {b.scalar(1, DType::f32), b.ints({512, 1024})});
  Value* sum = b.emit_named("Add", {x, small});
  output(sum);
  graph.add_output(b.emit_with("ReduceSum", {{"keepdims", int64_t{0}}}, {large}));
  const std::string left = canonical();
  EXPECT_EQ(left, "Expand Add ReduceSum");
}

TEST_F(PassTest, ComputesEqualThingsOnce) {
  Value* a = b.emit_named("Tanh", {x});
  Value* c = b.emit_named("Tanh", {x});
  output(b.emit_named("Add", {a, c}));
  EXPECT_EQ(canonical(), "Tanh Add");
}

TEST_F(PassTest, TakesTheBranchThatIsKnown) {
  Value* shape = b.emit_with("Shape", {{"start", int64_t{1}}, {"end", int64_t{2}}}, {x});
  Value* channels = b.emit_named("Squeeze", {shape, b.ints({0})});
  Value* condition = b.emit_named("Greater", {channels, b.scalar_int(3)});
  ir::Node* node = graph.add_node("", "If", {}, {condition});
  ir::Graph* yes = graph.add_subgraph(node, "then_branch");
  ir::Graph* no = graph.add_subgraph(node, "else_branch");
  b.enter(*yes);
  yes->add_output(b.emit_named("Relu", {x}));
  b.enter(*no);
  no->add_output(b.emit_named("Tanh", {x}));
  b.enter(graph);
  ASSERT_TRUE(ir::infer(graph, tables().ops));
  output(b.emit_named("Exp", {node->output()}));
  EXPECT_EQ(canonical(), "Relu Exp");
}

TEST_F(PassTest, FoldsBatchNormIntoConvolutions) {
  Value* y = b.emit(ops::Conv{.group = 2, .pads = {1, 1, 1, 1}}, {x, weight({8, 2, 3, 3}, "w")});
  Value* variance = b.constant(filled({8}, 0.9f));
  variance = b.emit_named("Abs", {variance});
  y = b.emit(ops::BatchNormalization{},
             {y, weight({8}), weight({8}, "", 0.3f), weight({8}, "", 0.5f), variance});
  y = b.emit_named("Mul", {y, weight({8, 1, 1}, "", 0.8f)});
  output(b.emit_named("Relu", {y}));
  const auto before = ir::clone(graph);
  ASSERT_TRUE(optimise(graph, tables().context, {.verify = true}));
  EXPECT_EQ(ops_of(graph), "Conv Relu");
  expect_same_results(*before, 1e-5f);
  auto kept = ir::clone(*before);
  ASSERT_TRUE(optimise(*kept, tables().context, {.disabled = {"fold-batch-norm"}, .verify = true}));
  EXPECT_EQ(ops_of(*kept), "Conv BatchNormalization Mul Relu");
}

TEST_F(PassTest, SpellsOutBatchNormThatNoWeightsTakeIn) {
  Value* y = b.emit_named("Tanh", {x});
  Tensor variance = Tensor::zeros(DType::f32, {4});
  for (float& v : variance.mutable_values<float>()) v = 0.7f;
  output(b.emit(ops::BatchNormalization{}, {y, weight({4}), weight({4}, "", 0.3f),
                                            weight({4}, "", 0.5f), b.constant(variance)}));
  const auto before = ir::clone(graph);
  ASSERT_TRUE(optimise(graph, tables().context, {.verify = true}));
  EXPECT_EQ(ops_of(graph), "Tanh Mul Add");
  expect_same_results(*before, 1e-6f);
}

TEST_F(PassTest, TrimsWindowsThatSeePaddingOnly) {
  struct Kind {
    std::vector<int64_t> pads, dilations, strides;
    Dims left;
  };
  for (const Kind& k : std::vector<Kind>{{{6, 6, 6, 6}, {6, 6}, {1, 1}, {1, 1}},
                                         {{6, 5, 6, 5}, {6, 5}, {1, 1}, {1, 3}},
                                         {{8, 6, 8, 6}, {8, 6}, {2, 2}, {1, 1}},
                                         {{12, 1, 0, 1}, {6, 1}, {1, 1}, {1, 3}},
                                         {{1, 1, 1, 1}, {1, 1}, {1, 1}, {3, 3}}}) {
    SCOPED_TRACE(testing::PrintToString(k.pads));
    ir::Graph g;
    ir::Builder builder(g, tables().ops);
    Value* in =
        g.add_input("x", Type::tensor(DType::f32, ir::Shape{Dim(2), Dim(4), Dim(6), Dim(6)}));
    Value* w = builder.constant(filled({8, 4, 3, 3}, 0.4f));
    Value* y = builder.emit(
        ops::Conv{.dilations = k.dilations, .pads = k.pads, .strides = k.strides}, {in, w});
    ASSERT_TRUE(builder.status());
    y->name = "y";
    g.add_output(y);
    const auto before = ir::clone(g);
    ASSERT_TRUE(optimise(g, tables().context, {.verify = true}));
    const Dims& shape = g.nodes().front()->input(1)->constant->shape();
    EXPECT_EQ(Dims(shape.begin() + 2, shape.end()), k.left);
    const auto a = run(g), c = run(*before);
    ASSERT_EQ(a.size(), 1u);
    ASSERT_EQ(a[0].shape(), c[0].shape());
    for (int64_t i = 0; i < a[0].count(); ++i)
      EXPECT_NEAR(a[0].values<float>()[i], c[0].values<float>()[i], 1e-6f);
  }
}

TEST_F(PassTest, FusesAttentionOnlyWhereItIsExact) {
  Value* keys = b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 1, 3, 2}}, {heads(*this, 2)});
  Value* scores = b.emit_named("MatMul", {heads(*this, 3), keys});
  scores = b.emit_named("Div", {scores, b.scalar(std::sqrt(6.0), DType::f32)});
  Value* mask = weight({4, 6, 6}, "bias");
  Value* biased = b.emit_named("Add", {scores, mask});
  output(b.emit_named("MatMul", {b.emit(ops::Softmax{.axis = 3}, {biased}), x}));
  const auto before = ir::clone(graph);
  EXPECT_NE(canonical().find("Softmax"), std::string::npos);  // not in the form that is written
  ASSERT_TRUE(optimise(graph, tables().context, {.verify = true}));
  EXPECT_NE(ops_of(graph).find("Attention"), std::string::npos);
  expect_same_results(*before, 1e-5f);
}

TEST_F(PassTest, MasksThatMayHideEveryKeyAreLeftAlone) {
  Value* keys = b.emit(ops::Transpose{.perm = std::vector<int64_t>{0, 1, 3, 2}}, {x});
  Value* mask = graph.add_input("mask", Type::tensor(DType::f32, ir::Shape{6, 6}));
  Value* scores = b.emit_named("Add", {b.emit_named("MatMul", {x, keys}), mask});
  output(b.emit_named("MatMul", {b.emit(ops::Softmax{}, {scores}), x}));
  ASSERT_TRUE(optimise(graph, tables().context, {.verify = true}));
  EXPECT_NE(ops_of(graph).find("Softmax"), std::string::npos);
}

TEST_F(PassTest, PassesCanBeSwitchedOff) {
  output(b.emit_named("Mul", {x, b.emit_named("Sigmoid", {x})}));
  EXPECT_EQ(canonical({.disabled = {"recognise-activations"}, .verify = true}), "Sigmoid Mul");
  EXPECT_EQ(canonical(), "Swish");
  const auto wrong = canonicalise(graph, tables().context, {.disabled = {"no-such-pass"}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::usage);
  EXPECT_NE(wrong.error().why.find("fold-constants"), std::string::npos);
}

TEST_F(PassTest, CanonicalFormIsStable) {
  const Dim n = Dim::symbol("N");
  Value* shape = b.shape(std::vector{max(floordiv(n, Dim(2)), Dim(1)) * Dim(3), Dim(2)});
  output(b.emit_named("Expand", {b.scalar(1, DType::f32), shape}));
  canonical();
  const std::string once = ir::print(graph);
  canonical();
  EXPECT_EQ(ir::print(graph), once);
}

TEST_F(PassTest, DigestsIgnoreNamesAndNothingElse) {
  Value* w = weight({4, 1, 1}, "w");
  output(b.emit_named("Mul", {x, w}));
  const std::string one = digest(graph);
  auto copy = ir::clone(graph);
  copy->outputs()[0]->name = "z";
  copy->symbols[0].name = "batch";
  (*copy->inputs()[0]->type.shape)[0] = Dim::symbol("batch");
  EXPECT_EQ(digest(*copy), one);
  auto other = ir::clone(graph);
  Tensor changed = filled({4, 1, 1}, 0.41f);
  other->set_input(other->nodes().front().get(), 1, other->add_constant(changed));
  EXPECT_NE(digest(*other), one);
  auto renamed = ir::clone(graph);
  renamed->nodes().front()->op = "Add";
  EXPECT_NE(digest(*renamed), one);
}

}  // namespace
}  // namespace tenon::passes
