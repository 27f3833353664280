// The engine against the reference evaluation, on small graphs for each fast kernel, each fusion
// and each way to run.
#include "targets/cpu/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "ir/builder.h"
#include "ops/activation/activation.h"
#include "ops/attention/attention.h"
#include "ops/concat/concat.h"
#include "ops/conv/conv.h"
#include "ops/conv_transpose/conv_transpose.h"
#include "ops/gemm/gemm.h"
#include "ops/group_norm/group_norm.h"
#include "ops/instance_norm/instance_norm.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/pad/pad.h"
#include "ops/pool/pool.h"
#include "ops/recurrent/recurrent.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/softmax/softmax.h"
#include "ops/split/split.h"
#include "ops/transpose/transpose.h"
#include "targets/cpu/testing.h"

namespace tenon::cpu {
namespace {

// Of the largest magnitude: the accuracy gate that tactics have to pass (tactics.h), a fifth of the
// product's tolerance.
constexpr double kTolerance = 2e-5;

// A graph under construction, and its inputs.
struct Case {
  ir::Graph graph;
  ir::Builder b{graph, tables().ops};
  uint32_t seed = 1;

  ir::Value* input(ir::Shape shape) {
    return graph.add_input("x" + std::to_string(graph.inputs().size()),
                           ir::Type::tensor(DType::f32, std::move(shape)));
  }
  ir::Value* weights(Dims dims) {
    return b.constant(random_floats(std::move(dims), ++seed, -0.3f, 0.3f));
  }
  ir::Value* conv(ir::Value* x, Dims w, ops::Conv op = {}, bool bias = true) {
    op.kernel_shape.assign(w.begin() + 2, w.end());
    std::vector<ir::Value*> inputs{x, weights(w)};
    if (bias) inputs.push_back(weights({w[0]}));
    return b.emit(op, inputs);
  }
  void output(ir::Value* value) { graph.add_output(value); }
};

void expect_close(const Tensor& actual, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  ASSERT_EQ(actual.dtype(), expected.dtype()) << what;
  if (actual.dtype() != DType::f32) {
    EXPECT_EQ(std::memcmp(actual.data(), expected.data(), actual.nbytes()), 0) << what;
    return;
  }
  double most = 0, differs = 0;
  const auto a = actual.values<float>(), e = expected.values<float>();
  for (size_t i = 0; i < e.size(); ++i) {
    most = std::max(most, static_cast<double>(std::abs(e[i])));
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(e[i]));
    if (!(d <= differs)) differs = d;
  }
  EXPECT_LE(differs, kTolerance * most) << what;
}

std::vector<Tensor> inputs_of(const Case& c, const ir::Bindings& sizes) {
  std::vector<Tensor> out;
  uint32_t seed = 100;
  for (const ir::Value* v : c.graph.inputs()) {
    Dims dims;
    for (const ir::Dim& d : *v->shape()) dims.push_back(*d.evaluate(sizes));
    out.push_back(random_floats(dims, ++seed));
  }
  return out;
}

// Compiles, runs twice (memory is used again), saves, loads and runs again.
void check(Case& c, const ir::Bindings& sizes = {}, CompileOptions options = {}) {
  const auto status = c.b.status();
  ASSERT_TRUE(status) << status.error().message();
  options.threads = 2;
  const auto inputs = inputs_of(c, sizes);
  auto expected = ir::evaluate(c.graph, tables().refs, inputs);
  ASSERT_TRUE(expected) << expected.error().message();
  auto engine = Engine::compile(c.graph, tables(), options);
  ASSERT_TRUE(engine) << engine.error().message();
  Context context = engine->new_context();
  for (int round = 0; round < 2; ++round) {
    auto actual = context.run(inputs);
    ASSERT_TRUE(actual) << actual.error().message();
    ASSERT_EQ(actual->size(), expected->size());
    for (size_t i = 0; i < actual->size(); ++i)
      expect_close((*actual)[i], (*expected)[i], "output " + std::to_string(i));
  }
  const std::string path =
      (std::filesystem::temp_directory_path() /
       ("tenon_engine_test_" +
        std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id())) + ".tenon"))
          .string();
  const auto saved = engine->save(path);
  ASSERT_TRUE(saved) << saved.error().message();
  auto loaded = Engine::load(path, tables(), {.threads = 2});
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_TRUE(loaded->notices().empty()) << loaded->notices()[0];
  auto again = loaded->new_context().run(inputs);
  ASSERT_TRUE(again) << again.error().message();
  for (size_t i = 0; i < again->size(); ++i)
    expect_close((*again)[i], (*expected)[i], "loaded output " + std::to_string(i));
}

TEST(Engine, ConvolutionsOfManyKinds) {
  struct Kind {
    int64_t in, out, group, kernel, stride, pad, dilation, size;
  };
  for (const Kind& k : std::vector<Kind>{{3, 16, 1, 7, 2, 3, 1, 20},
                                         {16, 32, 1, 3, 1, 1, 1, 13},
                                         {20, 24, 1, 3, 1, 1, 1, 9},
                                         {32, 48, 1, 1, 1, 0, 1, 7},
                                         {64, 64, 1, 1, 2, 0, 1, 8},
                                         {24, 24, 24, 3, 1, 1, 1, 11},
                                         {40, 40, 40, 5, 2, 2, 1, 12},
                                         {48, 48, 6, 3, 1, 1, 1, 8},
                                         {32, 64, 2, 3, 2, 1, 1, 9},
                                         {16, 16, 1, 3, 1, 2, 2, 10},
                                         {32, 16, 1, 3, 1, 12, 12, 14},
                                         {16, 32, 1, 3, 2, 9, 9, 8},
                                         {1, 8, 1, 3, 1, 1, 1, 8},
                                         {70, 130, 1, 3, 1, 1, 1, 17},
                                         {256, 256, 1, 3, 1, 1, 1, 8}}) {
    SCOPED_TRACE(testing::Message() << k.in << "->" << k.out << " /" << k.group << " k" << k.kernel
                                    << " s" << k.stride);
    Case c;
    ops::Conv op{.dilations = {k.dilation, k.dilation},
                 .group = k.group,
                 .pads = {k.pad, k.pad, k.pad, k.pad},
                 .strides = {k.stride, k.stride}};
    c.output(c.conv(c.input({2, k.in, k.size, k.size + 3}),
                    {k.out, k.in / k.group, k.kernel, k.kernel}, op));
    check(c);
  }
}

TEST(Engine, ConvolutionsOfOneAndThreeDimensions) {
  {
    Case c;
    c.output(c.conv(c.input({1, 16, 40}), {32, 16, 5}, {.pads = {2, 2}}));
    check(c);
  }
  Case c;
  c.output(c.conv(c.input({1, 3, 4, 12, 12}), {16, 3, 3, 7, 7},
                  {.pads = {1, 3, 3, 1, 3, 3}, .strides = {1, 2, 2}}));
  check(c);
}

// Every tactic alone, with the residual and the activation fused in, at sizes with tile borders.
TEST(Engine, ResidualBlocksByEveryTactic) {
  for (const char* disabled : {"", "winograd", "fusion", "layout", "pointwise"}) {
    SCOPED_TRACE(disabled);
    Case c;
    ir::Value* x = c.input({1, 32, 15, 18});
    const ops::Conv same{.pads = {1, 1, 1, 1}};
    ir::Value* y = c.b.emit_named("Relu", {c.conv(x, {32, 32, 3, 3}, same)});
    y = c.b.emit_named("Relu", {c.b.emit_named("Add", {c.conv(y, {32, 32, 3, 3}, same), x})});
    ir::Value* z = c.conv(y, {32, 32, 3, 3}, same);
    z = c.b.emit_named("Add", {y, z});  // y lives on: the sum needs memory of its own
    c.output(c.b.emit_named("Add", {z, c.conv(y, {32, 32, 1, 1})}));
    c.output(y);
    CompileOptions options;
    if (*disabled != 0) options.disabled = {disabled};
    check(c, {}, options);
  }
}

TEST(Engine, ActivationsAfterConvolutionsAndAlone) {
  using Emit = ir::Value* (*)(Case&, ir::Value*);
  const std::vector<Emit> activations = {
      [](Case& c, ir::Value* x) { return c.b.emit_named("Relu", {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit_named("Sigmoid", {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit_named("Tanh", {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit_named("HardSwish", {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit(ops::HardSigmoid{.alpha = 1.0f / 6}, {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit(ops::Gelu{}, {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit(ops::Gelu{.approximate = "tanh"}, {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit(ops::LeakyRelu{.alpha = 0.2f}, {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit(ops::Elu{}, {x}); },
      [](Case& c, ir::Value* x) { return c.b.emit(ops::Selu{}, {x}); },
      [](Case& c, ir::Value* x) {
        return c.b.emit_named("Mul", {x, c.b.emit_named("Sigmoid", {x})});
      },
      [](Case& c, ir::Value* x) {
        return c.b.emit_named("Clip",
                              {x, c.b.scalar(-0.25, DType::f32), c.b.scalar(0.5, DType::f32)});
      },
  };
  for (size_t i = 0; i < activations.size(); ++i) {
    SCOPED_TRACE(i);
    Case c;
    ir::Value* x = c.input({1, 20, 6, 7});
    c.output(activations[i](c, c.conv(x, {36, 20, 1, 1})));
    c.output(activations[i](c, x));
    check(c);
  }
}

TEST(Engine, PointwiseChainsAndBroadcasts) {
  Case c;
  ir::Value *x = c.input({2, 24, 9, 5}), *gate = c.input({2, 24, 1, 1});
  ir::Value* y = c.conv(x, {24, 24, 1, 1});
  y = c.b.emit_named("Mul", {y, c.b.emit_named("Sigmoid", {c.conv(gate, {24, 24, 1, 1})})});
  y = c.b.emit_named("Add", {y, c.weights({1, 24, 1, 1})});
  y = c.b.emit_named("Sub", {y, c.weights({9, 1})});
  y = c.b.emit_named("Div", {y, c.b.scalar(1.7, DType::f32)});
  y = c.b.emit_named("Max", {y, c.b.emit_named("Neg", {y})});
  c.output(c.conv(c.b.emit_named("Sqrt", {y}), {8, 24, 3, 3}));
  c.output(c.b.emit_named("Mul", {c.b.emit_named("Exp", {c.input({7, 1})}), c.input({1, 300})}));
  check(c);
}

TEST(Engine, PoolsConcatsAndSqueezeExcitation) {
  Case c;
  ir::Value* x = c.conv(c.input({2, 3, 19, 22}), {32, 3, 3, 3});
  ir::Value* a =
      c.b.emit(ops::MaxPool{.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {2, 2}}, {x});
  ir::Value* b = c.b.emit(
      ops::AveragePool{.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {2, 2}}, {x});
  ir::Value* d = c.b.emit(ops::AveragePool{.count_include_pad = true,
                                           .kernel_shape = {3, 3},
                                           .pads = {1, 1, 1, 1},
                                           .strides = {2, 2}},
                          {x});
  ir::Value* y = c.b.emit(ops::Concat{.axis = 1}, {a, b, d});
  ir::Value* s = c.b.emit(ops::ReduceMean{}, {y, c.b.ints({2, 3})});
  s = c.b.emit_named("Relu", {c.conv(s, {20, 96, 1, 1})});
  s = c.b.emit_named("Sigmoid", {c.conv(s, {96, 20, 1, 1})});
  y = c.b.emit_named("Mul", {y, s});
  c.output(c.b.emit(ops::ReduceMean{.keepdims = false}, {y, c.b.ints({-1, -2})}));
  c.output(
      c.b.emit(ops::MaxPool{.ceil_mode = true, .kernel_shape = {2, 2}, .strides = {2, 2}}, {y}));
  c.output(c.b.emit(ops::AveragePool{.ceil_mode = true,
                                     .count_include_pad = true,
                                     .kernel_shape = {3, 3},
                                     .pads = {1, 1, 1, 1},
                                     .strides = {2, 2}},
                    {y}));
  c.output(c.b.emit_named("GlobalMaxPool", {y}));
  check(c);
}

// Many channels of few pixels: gates that are read for less than a tile at a time.
TEST(Engine, SqueezeExcitationOfSmallImages) {
  for (int64_t size : {1, 2, 3}) {
    SCOPED_TRACE(size);
    Case c;
    ir::Value* x = c.conv(c.input({2, 16, size, size}), {960, 16, 1, 1});
    ir::Value* gate = c.b.emit_named("Sigmoid", {c.b.emit_named("GlobalAveragePool", {x})});
    c.output(c.conv(c.b.emit_named("Mul", {x, gate}), {16, 960, 1, 1}));
    ir::Value* rows = c.input({70, size, 16});
    c.output(c.b.emit_named("Mul", {c.b.emit_named("Exp", {rows}), c.input({70, 1, 16})}));
    check(c);
  }
}

TEST(Engine, ProductsWithWhatFollowsThem) {
  Case c;
  ir::Value *x = c.input({2, 7, 48}), *r = c.input({2, 7, 64});
  ir::Value* y = c.b.emit_named("MatMul", {x, c.weights({48, 64})});
  y = c.b.emit_named("Add", {y, c.weights({64})});
  y = c.b.emit_named("Add", {r, y});
  c.output(c.b.emit(ops::Gelu{}, {y}));
  const ops::Transpose swap{.perm = std::vector<int64_t>{0, 2, 1}};
  ir::Value* t = c.b.emit_named("MatMul", {y, c.b.emit(swap, {r})});
  c.output(c.b.emit(ops::Softmax{}, {c.b.emit_named("Mul", {t, c.b.scalar(0.3, DType::f32)})}));
  c.output(c.b.emit(ops::Gemm{.trans_b = true},
                    {c.input({3, 20}), c.weights({10, 20}), c.weights({10})}));
  c.output(c.b.emit(ops::Gemm{.alpha = 0.5f, .beta = 2, .trans_a = true},
                    {c.input({20, 3}), c.weights({20, 10}), c.weights({3, 10})}));
  check(c);
}

TEST(Engine, AttentionWithMasks) {
  for (int kind : {0, 1, 2, 3}) {
    SCOPED_TRACE(kind);
    Case c;
    std::vector<ir::Value*> inputs;
    ops::Attention op;
    if (kind == 3) {
      op.q_num_heads = op.kv_num_heads = 3;
      for (int i = 0; i < 3; ++i) inputs.push_back(c.input({2, 9, 24}));
    } else {
      for (int i = 0; i < 3; ++i) inputs.push_back(c.input({2, 3, 9, 8}));
    }
    if (kind == 1) op.is_causal = true;
    if (kind == 2) inputs.push_back(c.weights({1, 3, 9, 9}));
    c.output(c.b.emit(op, inputs));
    check(c);
  }
}

TEST(Engine, NormsCopiesAndSplits) {
  Case c;
  ir::Value* x = c.input({2, 6, 10});
  ir::Value* y = c.b.emit(ops::LayerNormalization{}, {x, c.weights({10}), c.weights({10})});
  auto parts = c.b.emit_n(ops::Split{.axis = 1, .num_outputs = 3}, {y}, 3);
  ir::Value* joined = c.b.emit(ops::Concat{.axis = 2}, {parts[2], parts[0], parts[1]});
  c.output(c.b.emit(ops::Transpose{.perm = std::vector<int64_t>{2, 0, 1}}, {joined}));
  c.output(c.b.emit_named(
      "Slice", {y, c.b.ints({-1, 8}), c.b.ints({-100, 1}), c.b.ints({1, 2}), c.b.ints({-2, -3})}));
  c.output(c.b.emit_named("Expand", {parts[0], c.b.ints({3, 2, 2, 10})}));
  c.output(c.b.emit(ops::LogSoftmax{.axis = -1}, {x}));
  c.output(c.b.emit(ops::Softmax{.axis = 1}, {x}));
  c.output(x);
  check(c);
}

TEST(Engine, TransposedConvolution) {
  Case c;
  c.output(c.b.emit(ops::ConvTranspose{.kernel_shape = {3, 3},
                                       .output_padding = {1, 1},
                                       .pads = {1, 1, 1, 1},
                                       .strides = {2, 2}},
                    {c.input({1, 16, 5, 6}), c.weights({16, 24, 3, 3}), c.weights({24})}));
  // Channels that fill no block, between convolutions, and groups.
  ir::Value* x = c.conv(c.input({2, 3, 7, 8}), {20, 3, 3, 3});
  x = c.b.emit(ops::ConvTranspose{.kernel_shape = {2, 2}, .strides = {2, 2}},
               {x, c.weights({20, 10, 2, 2})});
  c.output(c.conv(x, {5, 10, 1, 1}));
  c.output(c.b.emit(ops::ConvTranspose{.group = 2, .kernel_shape = {3, 2}, .pads = {1, 0, 0, 1}},
                    {x, c.weights({10, 3, 3, 2}), c.weights({6})}));
  c.output(c.b.emit(ops::ConvTranspose{.dilations = {2}, .kernel_shape = {3}, .strides = {3}},
                    {c.input({1, 4, 6}), c.weights({4, 5, 3})}));
  check(c);
}

TEST(Engine, TransposedConvolutionWithLargeWindows) {
  Case c;
  c.output(c.b.emit(ops::ConvTranspose{.kernel_shape = {300}, .pads = {20, 31}, .strides = {32}},
                    {c.input({2, 34, 11}), c.weights({34, 5, 300})}));
  c.output(c.b.emit(ops::ConvTranspose{.kernel_shape = {16}, .pads = {4, 4}, .strides = {8}},
                    {c.input({1, 40, 11}), c.weights({40, 20, 16})}));
  c.output(c.b.emit(ops::ConvTranspose{.kernel_shape = {128}, .pads = {20, 31}, .strides = {32}},
                    {c.input({2, 34, 11}), c.weights({34, 1, 128})}));
  c.output(c.b.emit(ops::ConvTranspose{.dilations = {2},
                                       .group = 2,
                                       .kernel_shape = {70},
                                       .output_padding = {1},
                                       .pads = {150, 0},
                                       .strides = {3}},
                    {c.input({1, 6, 9}), c.weights({6, 4, 70}), c.weights({8})}));
  c.output(
      c.b.emit(ops::ConvTranspose{.kernel_shape = {9, 8}, .pads = {2, 0, 1, 5}, .strides = {2, 3}},
               {c.input({1, 5, 6, 4}), c.weights({5, 3, 9, 8}), c.weights({3})}));
  check(c);
}

TEST(Engine, Padding) {
  for (const char* mode : {"constant", "edge", "reflect", "wrap"}) {
    SCOPED_TRACE(mode);
    Case c;
    ir::Value* x = c.input({2, 3, 5, 6});
    auto pad = [&](std::vector<int64_t> amounts, std::vector<int64_t> axes) {
      ir::Value* value = std::string(mode) == "constant" ? c.b.scalar(1.5, DType::f32) : nullptr;
      return c.b.emit(ops::Pad{.mode = mode}, {x, c.b.ints(amounts), value, c.b.ints(axes)});
    };
    c.output(pad({1, 2, 4, 3}, {2, 3}));
    c.output(pad({0, 5}, {-1}));
    c.output(pad({2, 0, 1, 1}, {1, 2}));
    c.output(pad({-1, 1, 2, -2}, {2, 3}));
    c.output(pad({-2, -3}, {3}));
    check(c);
  }
}

TEST(Engine, Resizing) {
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* at : {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"}) {
      SCOPED_TRACE(std::string(mode) + " " + at);
      Case c;
      ir::Value *x = c.input({2, 3, 5, 6}), *blocked = c.conv(x, {20, 3, 1, 1});
      auto resize = [&](ir::Value* from, std::vector<int64_t> sizes, const char* round = "floor") {
        return c.b.emit(
            ops::Resize{.coordinate_transformation_mode = at, .mode = mode, .nearest_mode = round},
            {from, nullptr, nullptr, c.b.ints(sizes)});
      };
      c.output(resize(x, {2, 3, 11, 6}, "round_prefer_floor"));
      c.output(resize(x, {2, 3, 4, 9}, "round_prefer_ceil"));
      c.output(resize(x, {2, 3, 1, 13}, "ceil"));
      c.output(c.conv(resize(blocked, {2, 20, 10, 12}), {4, 20, 1, 1}));
      c.output(resize(c.input({1, 2, 7}), {1, 2, 16}));
      if (std::string(mode) != "cubic") c.output(resize(c.input({1, 2, 3, 4, 5}), {1, 2, 6, 3, 7}));
      Tensor scales = Tensor::zeros(DType::f32, {2});
      scales.mutable_values<float>()[0] = 1.7f;
      scales.mutable_values<float>()[1] = 2.3f;
      c.output(c.b.emit(ops::Resize{.axes = std::vector<int64_t>{-1, 2},
                                    .coordinate_transformation_mode = at,
                                    .mode = mode},
                        {x, nullptr, c.b.constant(scales), nullptr}));
      check(c);
    }
  }
}

TEST(Engine, NormsOfGroupsAndInstances) {
  Case c;
  ir::Value *x = c.input({2, 12, 9, 7}), *scale = c.weights({12}), *bias = c.weights({12});
  for (int64_t groups : {1, 4, 12})
    c.output(c.b.emit(ops::GroupNormalization{.num_groups = groups}, {x, scale, bias}));
  c.output(c.b.emit(ops::InstanceNormalization{.epsilon = 1e-3f}, {x, scale, bias}));
  // A mean far from zero, and groups longer than a piece of the sum.
  ir::Value* large = c.b.emit_named("Add", {c.input({1, 2, 9001}), c.b.scalar(40, DType::f32)});
  c.output(c.b.emit(ops::InstanceNormalization{}, {large, c.weights({2}), c.weights({2})}));
  check(c);
}

TEST(Engine, RecurrentLayers) {
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    SCOPED_TRACE(direction);
    const int64_t d = std::string(direction) == "bidirectional" ? 2 : 1;
    Case c;
    ir::Value *x = c.input({5, 3, 6}), *h = c.input({d, 3, 9}), *cell = c.input({d, 3, 9});
    auto outputs = [&](std::vector<ir::Value*> values) {
      for (ir::Value* v : values) c.output(v);
    };
    const ops::LSTM lstm{.direction = direction, .hidden_size = 9};
    const ops::GRU gru{.direction = direction, .hidden_size = 9, .linear_before_reset = true};
    ir::Value *w = c.weights({d, 36, 6}), *r = c.weights({d, 36, 9}), *b = c.weights({d, 72});
    outputs(c.b.emit_n(lstm, {x, w, r, b, nullptr, h, cell}, 3));
    outputs(c.b.emit_n(lstm, {x, w, r}, 3));
    w = c.weights({d, 27, 6}), r = c.weights({d, 27, 9}), b = c.weights({d, 54});
    outputs(c.b.emit_n(gru, {x, w, r, b, nullptr, h}, 2));
    outputs(c.b.emit_n(gru, {x, w, r}, 2));
    outputs(c.b.emit_n(ops::GRU{.direction = direction, .hidden_size = 9}, {x, w, r, b}, 2));
    check(c);
  }
}

// One engine, many sizes: batch and image.
TEST(Engine, DynamicSizes) {
  Case c;
  c.graph.symbols = {{.name = "n", .range = {1, 8}, .opt = 2},
                     {.name = "h", .range = {8, 64}, .opt = 16}};
  ir::Value* x = c.input({ir::Dim::symbol("n"), 3, ir::Dim::symbol("h"), 24});
  c.graph.symbols[0].source = c.graph.symbols[1].source = x;
  c.graph.symbols[0].axis = 0;
  c.graph.symbols[1].axis = 2;
  ir::Value* y = c.b.emit_named("Relu", {c.conv(x, {32, 3, 3, 3}, {.pads = {1, 1, 1, 1}})});
  y = c.conv(y, {32, 32, 3, 3}, {.pads = {1, 1, 1, 1}});
  y = c.b.emit(ops::MaxPool{.kernel_shape = {2, 2}, .strides = {2, 2}}, {y});
  ir::Value* rows =
      c.b.emit_named("Reshape", {y, c.b.shape(std::vector<ir::Dim>{ir::Dim::symbol("n"), -1})});
  c.output(c.b.emit(ops::Softmax{}, {rows}));
  c.output(c.b.emit_named("GlobalAveragePool", {y}));
  for (const auto& [n, h] : {std::pair<int64_t, int64_t>{2, 16}, {1, 8}, {8, 63}, {3, 64}}) {
    SCOPED_TRACE(testing::Message() << n << " x " << h);
    check(c, {{"n", n}, {"h", h}});
  }
  auto engine = Engine::compile(c.graph, tables(), {.threads = 2});
  ASSERT_TRUE(engine);
  auto context = engine->new_context();
  for (int64_t h : {8, 16, 40, 8, 64}) {
    const std::vector<Tensor> inputs{random_floats({1, 3, h, 24}, 5)};
    auto actual = context.run(inputs);
    ASSERT_TRUE(actual) << actual.error().message();
    expect_close((*actual)[1], (*ir::evaluate(c.graph, tables().refs, inputs))[1], "pooled");
  }
}

// Sizes that no fast kernel takes: the reference runs, in channel blocks too.
TEST(Engine, EmptyTensors) {
  Case c;
  c.graph.symbols = {{.name = "n", .range = {0, 8}, .opt = 1}};
  ir::Value* x = c.input({ir::Dim::symbol("n"), 16, 8, 8});
  ir::Value* y = c.b.emit_named("Relu", {c.conv(x, {24, 16, 3, 3})});
  y = c.b.emit(ops::MaxPool{.kernel_shape = {2, 2}}, {c.b.emit_named("Sigmoid", {y})});
  y = c.b.emit(ops::ReduceMean{.keepdims = false}, {y, c.b.ints({2, 3})});
  c.output(c.b.emit(ops::Gemm{}, {y, c.weights({24, 5}), c.weights({5})}));
  for (int64_t n : {0, 2}) check(c, {{"n", n}});
}

TEST(Engine, RefusesInputsThatDoNotFit) {
  Case c;
  c.graph.symbols = {{.name = "n", .range = {1, 4}, .opt = 2}};
  c.output(c.b.emit_named("Relu", {c.input({ir::Dim::symbol("n"), 5})}));
  auto engine = Engine::compile(c.graph, tables());
  ASSERT_TRUE(engine);
  auto context = engine->new_context();
  const auto refused = [&](std::vector<Tensor> inputs, const std::string& why) {
    auto result = context.run(inputs);
    ASSERT_FALSE(result) << why;
    EXPECT_EQ(result.error().kind, ErrorKind::usage) << why;
    EXPECT_NE(result.error().message().find(why), std::string::npos) << result.error().message();
    EXPECT_FALSE(result.error().hint.empty());
  };
  refused({}, "0 were given, 1 are taken");
  refused({random_floats({5, 5}, 1)}, "built for 1 to 4");
  refused({random_floats({2, 6}, 1)}, "axis 1 has to be 5");
  refused({random_floats({2, 5, 1}, 1)}, "[2, 5, 1]");
  refused({Tensor::zeros(DType::i64, {2, 5})}, "i64, not f32");
}

TEST(Engine, ChecksGuards) {
  Case c;
  c.graph.symbols = {{.name = "n", .range = {1, 100}, .opt = 2}};
  c.graph.guards.push_back({.lhs = ir::Dim::symbol("n"),
                            .relation = ir::Guard::Relation::le,
                            .rhs = 10,
                            .reason = "the branch at model.py:3 was decided by it"});
  c.output(c.b.emit_named("Relu", {c.input({ir::Dim::symbol("n")})}));
  auto engine = Engine::compile(c.graph, tables());
  ASSERT_TRUE(engine);
  auto context = engine->new_context();
  EXPECT_TRUE(context.run(std::vector{random_floats({10}, 1)}));
  auto result = context.run(std::vector{random_floats({11}, 1)});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("model.py:3"), std::string::npos);
}

TEST(Engine, RefusesUnknownOptimisations) {
  Case c;
  c.output(c.b.emit_named("Relu", {c.input({5})}));
  auto engine = Engine::compile(c.graph, tables(), {.disabled = {"magic"}});
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message().find("winograd"), std::string::npos);
}

TEST(Engine, ManyContextsShareOneEngine) {
  Case c;
  const ops::Conv same{.pads = {1, 1, 1, 1}};
  c.output(c.conv(c.conv(c.input({1, 32, 12, 12}), {32, 32, 3, 3}, same), {16, 32, 3, 3}, same));
  auto engine = Engine::compile(c.graph, tables(), {.threads = 1});
  ASSERT_TRUE(engine);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<Tensor> inputs{random_floats({1, 32, 12, 12}, static_cast<uint32_t>(t))};
      const auto expected = ir::evaluate(c.graph, tables().refs, inputs);
      Context context = engine->new_context();
      for (int i = 0; i < 20; ++i) {
        auto actual = context.run(inputs);
        if (!actual) {
          ++wrong[static_cast<size_t>(t)];
          continue;
        }
        const auto a = (*actual)[0].values<float>(), e = (*expected)[0].values<float>();
        for (size_t j = 0; j < e.size(); ++j)
          wrong[static_cast<size_t>(t)] += std::abs(a[j] - e[j]) > 1e-4f;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// Sizes that data decides, a branch, and a convolution in channel blocks inside of it all.
TEST(Engine, InterpretsWhatItCannotPlan) {
  Case c;
  ir::Value* x = c.input({1, 16, 8, 8});
  ir::Value* y = c.conv(x, {32, 16, 3, 3});
  ir::Value* sum = c.b.emit(ops::ReduceSum{.keepdims = false}, {y});
  ir::Value* positive = c.b.emit_named("Greater", {sum, c.b.scalar(0, DType::f32)});
  ir::Node* branch = c.graph.add_node("", "If", {}, {positive}, 1);
  for (const char* name : {"then_branch", "else_branch"}) {
    ir::Graph* sub = c.graph.add_subgraph(branch, name);
    ir::Graph* outer = c.b.enter(*sub);
    ir::Value* z = *name == 't' ? c.b.emit_named("Relu", {y}) : c.b.emit_named("Neg", {y});
    sub->add_output(z);
    c.b.enter(*outer);
  }
  const auto inferred = ir::infer(c.graph, tables().ops);
  ASSERT_TRUE(inferred) << inferred.error().message();
  c.output(c.conv(branch->output(), {8, 32, 1, 1}));
  c.output(c.b.emit_named("NonZero", {c.b.emit_named("Relu", {x})}));
  check(c);
}

}  // namespace
}  // namespace tenon::cpu
