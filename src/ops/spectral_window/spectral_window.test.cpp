// The windows against those of SciPy.
#include "ops/spectral_window/spectral_window.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "ops/tables.h"

namespace tenon::ops {
namespace {

using ir::Dim;
using ir::Value;

struct WindowTest : testing::Test {
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

TEST_F(WindowTest, Shapes) {
  graph.symbols.push_back({.name = "N", .range = {1, 64}});
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{Dim::symbol("N")}));
  graph.find_symbol("N")->source = x;
  graph.find_symbol("N")->axis = 0;
  EXPECT_EQ(type(b.emit(HannWindow{}, {b.dim(Dim::symbol("N"))})), "f32[N]");
  EXPECT_EQ(type(b.emit(BlackmanWindow{.output_datatype = 11}, {b.scalar_int(4)})), "f64[4]");
}

TEST_F(WindowTest, Hann) {
  expect_near(run(b.emit(HannWindow{}, {b.scalar_int(6)})), {0.0, 0.25, 0.75, 1.0, 0.75, 0.25});
}
TEST_F(WindowTest, HannSymmetric) {
  expect_near(run(b.emit(HannWindow{.periodic = false}, {b.scalar_int(5)})),
              {0.0, 0.5, 1.0, 0.5, 0.0});
}
TEST_F(WindowTest, HammingSymmetric) {
  expect_near(run(b.emit(HammingWindow{.periodic = false}, {b.scalar_int(5)})),
              {0.086956521739, 0.54347826087, 1.0, 0.54347826087, 0.086956521739});
}
TEST_F(WindowTest, Blackman) {
  expect_near(run(b.emit(BlackmanWindow{}, {b.scalar_int(6)})), {0.0, 0.13, 0.63, 1.0, 0.63, 0.13});
}

}  // namespace
}  // namespace tenon::ops
