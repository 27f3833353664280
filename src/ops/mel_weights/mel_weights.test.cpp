// The weights against those of onnx's own reference.
#include "ops/mel_weights/mel_weights.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "ops/tables.h"

namespace tenon::ops {
namespace {

using ir::Value;

struct MelWeightsTest : testing::Test {
  std::vector<const ir::OpSpec*> table = op_table();
  std::vector<const ir::RefKernel*> kernel_table = ref_table();
  ir::OpSet ops{table};
  ir::RefKernels kernels{kernel_table};
  ir::Graph graph;
  ir::Builder b{graph, ops};

  std::string type(const Value* value) {
    EXPECT_TRUE(b.status());
    return value->type.str();
  }
  // What the graph gives, as numbers.
  std::vector<double> run(Value* out) {
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

TEST_F(MelWeightsTest, Triangles) {
  Value* out = b.emit(MelWeightMatrix{}, {b.scalar_int(3), b.scalar_int(16), b.scalar_int(8192),
                                          b.scalar(0, DType::f32), b.scalar(4096, DType::f32)});
  EXPECT_EQ(type(out), "f32[9, 3]");
  expect_near(run(out), {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0,
                         0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0});
}

TEST_F(MelWeightsTest, EdgeBehindTheSpectrum) {
  graph.add_output(
      b.emit(MelWeightMatrix{}, {b.scalar_int(3), b.scalar_int(16), b.scalar_int(8192),
                                 b.scalar(0, DType::f32), b.scalar(40960, DType::f32)}));
  EXPECT_FALSE(ir::evaluate(graph, kernels, {}));
}

}  // namespace
}  // namespace tenon::ops
