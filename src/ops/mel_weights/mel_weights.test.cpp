// The weights against those of onnx's own reference.
#include "ops/mel_weights/mel_weights.h"

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using ir::Value;

struct MelWeightsTest : GraphTest {};

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
