// Graphs written at every opset and read back.
#include <gtest/gtest.h>

#include <regex>

#include "ir/builder.h"
#include "ir/printer.h"
#include "ir/verifier.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/conv/conv.h"
#include "ops/flatten/flatten.h"
#include "ops/gemm/gemm.h"
#include "ops/pool/pool.h"
#include "ops/tables.h"

namespace tenon::onnx {
namespace {

using ir::Dim;
using ir::Type;
using ir::Value;

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const Mapping*> onnx_table = ops::onnx_table();
  ir::OpSet ops{op_table};
  Mappings mappings{onnx_table};
};
const Tables& tables() {
  static const Tables all;
  return all;
}

Result<std::unique_ptr<ir::Graph>> read_back(const std::string& bytes) {
  std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return read(std::shared_ptr<const std::byte>(copy, copy.get()), bytes.size(), {}, tables().ops,
              tables().mappings);
}

// The text without the numbers of values.
std::string text(const ir::Graph& graph) {
  return std::regex_replace(ir::print(graph), std::regex("%\\d+:?"), "%");
}

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
    auto bytes = write(*graph, {.opset = opset}, tables().ops, tables().mappings);
    ASSERT_TRUE(bytes) << bytes.error().message();
    auto back = read_back(*bytes);
    ASSERT_TRUE(back) << "opset " << opset << "\n" << back.error().message();
    ASSERT_TRUE(ir::verify(**back, tables().ops, "reading"));
    EXPECT_EQ(text(**back), text(*graph)) << "opset " << opset;
    auto again = write(**back, {.opset = opset}, tables().ops, tables().mappings);
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == *bytes) << "opset " << opset << ": not reproducible";
  }
}

}  // namespace
}  // namespace tenon::onnx
