// What the tests of linear algebra share: nodes on matrices of f64, their types, their kernels.
#pragma once

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "ops/tables.h"

namespace tenon::ops {

struct MatrixTest : testing::Test {
  std::vector<const ir::OpSpec*> table = op_table();
  std::vector<const ir::RefKernel*> kernel_table = ref_table();
  ir::OpSet ops{table};
  ir::RefKernels kernels{kernel_table};
  ir::Graph graph;
  ir::Builder b{graph, ops};
  const ir::Dim N = ir::Dim::symbol("N"), M = ir::Dim::symbol("M");

  void SetUp() override {
    graph.symbols.push_back({.name = "N", .range = {1, 64}});
    graph.symbols.push_back({.name = "M", .range = {1, 64}});
  }
  ir::Value* input(ir::Shape shape, DType dtype = DType::f64) {
    ir::Value* value = graph.add_input("x", ir::Type::tensor(dtype, std::move(shape)));
    for (size_t axis = 0; axis < value->shape()->size(); ++axis) {
      ir::Symbol* symbol = graph.find_symbol((*value->shape())[axis].symbol_name());
      if (symbol == nullptr || symbol->source != nullptr) continue;
      symbol->source = value;
      symbol->axis = static_cast<int>(axis);
    }
    return value;
  }
  static Tensor matrix(Dims dims, std::vector<double> values) {
    return Tensor::of<double>(DType::f64, std::move(dims), values);
  }
  static Tensor pivots(Dims dims, std::vector<int32_t> values) {
    return Tensor::of<int32_t>(DType::i32, std::move(dims), values);
  }
  // The types of all outputs, "f64[2], i32[]"; or why there are none.
  template <class Op>
  std::string types(const Op& op, std::vector<ir::Value*> inputs, size_t outputs) {
    const auto made = b.emit_n(op, std::move(inputs), outputs);
    if (const auto status = b.status(); !status) return status.error().why;
    std::string out;
    for (const ir::Value* value : made) out += (out.empty() ? "" : ", ") + value->type.str();
    return out;
  }
  // The outputs of one node.
  template <class Op>
  Result<std::vector<Tensor>> run(const Op& op, const std::vector<Tensor>& inputs, size_t outputs) {
    ir::Graph own;
    ir::Builder builder(own, ops);
    std::vector<ir::Value*> values;
    for (const Tensor& x : inputs)
      values.push_back(own.add_input("x", ir::Type::tensor(x.dtype(), ir::to_shape(x.shape()))));
    for (ir::Value* out : builder.emit_n(op, values, outputs)) own.add_output(out);
    if (auto status = builder.status(); !status) return std::unexpected(status.error());
    return ir::evaluate(own, kernels, inputs);
  }
  static void expect_near(const Tensor& got, const std::vector<double>& want,
                          double tolerance = 1e-11) {
    const auto values = got.values<double>();
    ASSERT_EQ(values.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(values[i], want[i], tolerance) << i;
  }
  static void expect_ints(const Tensor& got, const std::vector<int32_t>& want) {
    const auto values = got.values<int32_t>();
    EXPECT_EQ(std::vector<int32_t>(values.begin(), values.end()), want);
  }
};

}  // namespace tenon::ops
