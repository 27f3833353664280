// Runs one operator on its reference kernel, for the tests that stand beside operators.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "ops/tables.h"

namespace tenon::ops {

struct OperatorTest : testing::Test {
  std::vector<const ir::OpSpec*> op_entries = op_table();
  std::vector<const ir::RefKernel*> kernel_entries = ref_table();
  ir::OpSet ops{op_entries};
  ir::RefKernels kernels{kernel_entries};

  // The node's outputs; none where inference or the kernel refuses, whose reason `why` then is.
  template <class Op>
  std::vector<Tensor> run(const Op& op, const std::vector<Tensor>& inputs, size_t outputs = 1) {
    ir::Graph graph;
    ir::Builder b(graph, ops);
    std::vector<ir::Value*> values;
    for (const Tensor& input : inputs)
      values.push_back(
          graph.add_input("input", ir::Type::tensor(input.dtype(), ir::to_shape(input.shape()))));
    const auto made = b.emit_n(op, values, outputs);
    types.clear();
    if (auto ok = b.status(); !ok) return why = ok.error().why, std::vector<Tensor>{};
    for (const ir::Value* value : made) types.push_back(value->type.str());
    std::vector<const Tensor*> given;
    for (const Tensor& input : inputs) given.push_back(&input);
    auto got = ir::evaluate_node(*made[0]->producer, kernels, given);
    if (!got) return why = got.error().why, std::vector<Tensor>{};
    return *got;
  }
  std::vector<std::string> types;  // of the last node's outputs
  std::string why;

  static Tensor floats(Dims shape, const std::vector<float>& values) {
    return Tensor::of<float>(DType::f32, std::move(shape), values);
  }
  static Tensor doubles(const std::vector<double>& values) {
    return Tensor::of<double>(DType::f64, {static_cast<int64_t>(values.size())}, values);
  }
  static Tensor integers(Dims shape, const std::vector<int64_t>& values) {
    return Tensor::of<int64_t>(DType::i64, std::move(shape), values);
  }
  template <class T>
  static std::vector<T> list(const Tensor& tensor) {
    const auto values = tensor.values<T>();
    return {values.begin(), values.end()};
  }
};

// A graph that the test builds, whose operators' types it looks at and that it runs on the
// reference kernels.
struct GraphTest : testing::Test {
  std::vector<const ir::OpSpec*> table = op_table();
  std::vector<const ir::RefKernel*> kernel_table = ref_table();
  ir::OpSet ops{table};
  ir::RefKernels kernels{kernel_table};
  ir::Graph graph;
  ir::Builder b{graph, ops};

  std::string type(const ir::Value* value) {
    EXPECT_TRUE(b.status());
    return value->type.str();
  }
  // What the graph gives, as numbers.
  std::vector<double> run(ir::Value* out) {
    EXPECT_TRUE(b.status());
    graph.add_output(b.cast(out, DType::f64));
    const auto result = ir::evaluate(graph, kernels, {});
    EXPECT_TRUE(result);
    if (!result) return {};
    const auto values = (*result)[0].values<double>();
    return {values.begin(), values.end()};
  }
  static void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6) << i;
  }
};

// Equal, or both not a number, or within a relative tolerance.
template <class T>
void expect_near(const std::vector<T>& got, const std::vector<T>& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const auto a = static_cast<double>(got[i]), b = static_cast<double>(want[i]);
    if (std::isnan(b))
      EXPECT_TRUE(std::isnan(a)) << "element " << i << " is " << a;
    else if (std::isinf(b))
      EXPECT_EQ(a, b) << "element " << i;
    else
      EXPECT_NEAR(a, b, tolerance * std::max(std::abs(b), 1e-300)) << "element " << i;
  }
}

}  // namespace tenon::ops
