// Graphs written at every opset and read back.
#include "ir/verifier.h"
#include "onnx/testing.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/conv/conv.h"
#include "ops/flatten/flatten.h"
#include "ops/gemm/gemm.h"
#include "ops/pool/pool.h"

namespace tenon::onnx {
namespace {

using namespace testing;
using ir::Dim;
using ir::Type;
using ir::Value;

Tensor weights(Dims dims, float first = 0.01f) {
  Tensor out = Tensor::zeros(DType::f32, std::move(dims));
  float next = first;
  for (float& v : out.mutable_values<float>()) {
    v = next;
    next = next > 0.5f ? -0.49f : next + 0.013f;
  }
  return out;
}

std::unique_ptr<ir::Graph> residual_network() {
  auto graph = std::make_unique<ir::Graph>();
  ir::Builder b(*graph, tables().ops);
  graph->symbols.push_back({.name = "N", .range = {1, 8}, .opt = 2});
  Value* x =
      graph->add_input("x", Type::tensor(DType::f32, ir::Shape{Dim::symbol("N"), 3, 16, 20}));
  graph->symbols[0].source = x;
  graph->symbols[0].axis = 0;
  auto layer = [&](const std::string& module, int line) {
    ir::Origin origin{.module = module, .frames = {{"resnet.py", line, "forward"}}};
    b.set_origin(std::make_shared<const ir::Origin>(origin));
  };
  layer("conv1", 268);
  const ops::Conv conv{
      .dilations = {1, 1}, .kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {1, 1}};
  Value* y = b.emit(conv, {x, b.constant(weights({4, 3, 3, 3}), "conv1.weight")});
  layer("bn1", 269);
  auto parameter = [&](const char* name) { return b.constant(weights({4}, 0.3f), name); };
  y = b.emit(ops::BatchNormalization{},
             {y, parameter("bn1.weight"), parameter("bn1.bias"), parameter("bn1.running_mean"),
              parameter("bn1.running_var")});
  Value* skip = y = b.emit_named("Relu", {y});
  layer("layer1.0.conv1", 92);
  y = b.emit(conv, {y, b.constant(weights({4, 4, 3, 3}), "layer1.0.conv1.weight")});
  y = b.emit_named("Relu", {b.emit_named("Add", {y, skip})});
  y = b.emit(
      ops::MaxPool{
          .dilations = {1, 1}, .kernel_shape = {2, 2}, .pads = {0, 0, 0, 0}, .strides = {2, 2}},
      {y});
  y = b.emit(ops::Flatten{}, {b.emit_named("GlobalAveragePool", {y})});
  layer("fc", 280);
  y = b.emit(ops::Gemm{.trans_b = true},
             {y, b.constant(weights({10, 4}), "fc.weight"), b.constant(weights({10}), "fc.bias")});
  y->name = "logits";
  graph->add_output(y);
  graph->guards.push_back({.lhs = Dim::symbol("N"),
                           .relation = ir::Guard::Relation::le,
                           .rhs = 8,
                           .origin = b.origin(),
                           .reason = "the branch was decided by it"});
  EXPECT_TRUE(b.status());
  ir::assign_names(*graph);
  return graph;
}

TEST(RoundTrip, ResidualNetworkAtEveryOpset) {
  const auto graph = residual_network();
  for (int opset = kOldestWritable; opset <= newest_opset(); ++opset) {
    auto bytes = write_bytes(*graph, opset);
    ASSERT_TRUE(bytes) << bytes.error().message();
    auto back = read_bytes(*bytes);
    ASSERT_TRUE(back) << "opset " << opset << "\n" << back.error().message();
    ASSERT_TRUE(ir::verify(**back, tables().ops, "reading"));
    EXPECT_EQ(text(**back), text(*graph)) << "opset " << opset;
    auto again = write_bytes(**back, opset);
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == *bytes) << "opset " << opset << ": not reproducible";
  }
}

}  // namespace
}  // namespace tenon::onnx
