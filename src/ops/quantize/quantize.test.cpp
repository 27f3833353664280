#include "ops/quantize/quantize.h"

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

struct QuantizeTest : OperatorTest {
  static Tensor bytes(Dims shape, const std::vector<uint8_t>& values) {
    return Tensor::of<uint8_t>(DType::u8, std::move(shape), values);
  }
  static Tensor signed_bytes(Dims shape, const std::vector<int8_t>& values) {
    return Tensor::of<int8_t>(DType::i8, std::move(shape), values);
  }
};

TEST_F(QuantizeTest, TiesGoToEvenBeforeTheZeroPoint) {
  const auto out = run(QuantizeLinear{},
                       {floats({4}, {0.5f, 1.5f, -0.5f, 2.5f}), floats({}, {1}), bytes({}, {3})});
  EXPECT_EQ(types, std::vector<std::string>{"u8[4]"});
  EXPECT_EQ(list<uint8_t>(out[0]), (std::vector<uint8_t>{3, 5, 3, 5}));
}

TEST_F(QuantizeTest, Saturates) {
  const auto out = run(QuantizeLinear{}, {floats({3}, {1e9f, -1e9f, NAN}), floats({}, {0.5f}),
                                          signed_bytes({}, {-3})});
  EXPECT_EQ(list<int8_t>(out[0]), (std::vector<int8_t>{127, -128, -128}));
}

TEST_F(QuantizeTest, ScaleOfEachPlaceAlongAnAxis) {
  const auto out =
      run(DequantizeLinear{.axis = 0},
          {signed_bytes({2, 2}, {1, 2, 3, 4}), floats({2}, {0.5f, 2}), signed_bytes({2}, {0, 1})});
  EXPECT_EQ(types, std::vector<std::string>{"f32[2, 2]"});
  EXPECT_EQ(list<float>(out[0]), (std::vector<float>{0.5f, 1, 4, 6}));
}

TEST_F(QuantizeTest, ScaleOfEachBlock) {
  const auto out = run(DequantizeLinear{.axis = 1, .block_size = 2},
                       {signed_bytes({1, 3}, {1, 2, 3}), floats({1, 2}, {1, 10})});
  EXPECT_EQ(list<float>(out[0]), (std::vector<float>{1, 2, 30}));
}

TEST_F(QuantizeTest, RefusesScalesThatDoNotFit) {
  EXPECT_TRUE(
      run(DequantizeLinear{.axis = 1}, {signed_bytes({2, 2}, {1, 2, 3, 4}), floats({3}, {1, 2, 3})})
          .empty());
}

}  // namespace
}  // namespace tenon::ops
