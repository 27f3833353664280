// Shapes of STFT with symbolic sizes, and its kernel against values of NumPy.
#include "ops/stft/stft.h"

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using ir::Dim;
using ir::Value;

struct StftTest : GraphTest {};

TEST_F(StftTest, Shapes) {
  graph.symbols.push_back({.name = "N", .range = {16, 64}});
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{2, Dim::symbol("N"), 1}));
  Value *step = b.scalar_int(4), *length = b.scalar_int(16);
  EXPECT_EQ(type(b.emit(STFT{}, {x, step, nullptr, length})), "f32[2, floordiv(N, 4) - 3, 9, 2]");
  EXPECT_EQ(type(b.emit(STFT{.onesided = false}, {x, step, nullptr, length})),
            "f32[2, floordiv(N, 4) - 3, 16, 2]");
  Value* window = b.constant(Tensor::zeros(DType::f32, {12}));
  EXPECT_EQ(type(b.emit(STFT{}, {x, step, window})), "f32[2, floordiv(N, 4) - 2, 7, 2]");
  b.emit(STFT{}, {x, step, window, length});
  EXPECT_FALSE(b.status());
  b.emit(STFT{}, {x, b.scalar_int(0), window});
  EXPECT_FALSE(b.status());
}

TEST_F(StftTest, WindowedFrames) {
  const double x[] = {1, 2, 3, 4, 5, 6}, window[] = {1, 2, 2, 1};
  expect_near(
      run(b.emit(STFT{}, {b.constant(Tensor::of<double>(DType::f64, {1, 6, 1}, x)), b.scalar_int(2),
                          b.constant(Tensor::of<double>(DType::f64, {4}, window))})),
      {15.0, 0.0, -5.0, 0.0, -1.0, 0.0, 27.0, 0.0, -7.0, -2.0, -1.0, 0.0});
}

}  // namespace
}  // namespace tenon::ops
