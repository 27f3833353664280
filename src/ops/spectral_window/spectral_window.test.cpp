// The windows against those of SciPy.
#include "ops/spectral_window/spectral_window.h"

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using ir::Dim;
using ir::Value;

struct WindowTest : GraphTest {};

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
