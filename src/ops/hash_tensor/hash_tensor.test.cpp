#include "ops/hash_tensor/hash_tensor.h"

#include <gmock/gmock.h>

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using testing::ElementsAre;
using HashTensorTest = OperatorTest;

TEST_F(HashTensorTest, IntegersAlongAxes) {
  const Tensor x = integers({2, 3}, {1, 2, 4, 8, 8, -1});
  EXPECT_THAT(list<uint64_t>(run(HashTensor{}, {x})[0]), ElementsAre(~uint64_t{7}));
  EXPECT_THAT(types, ElementsAre("u64[]"));
  EXPECT_THAT(list<uint64_t>(run(HashTensor{.axes = {1}, .keepdims = true}, {x})[0]),
              ElementsAre(7u, ~uint64_t{0}));
  EXPECT_THAT(types, ElementsAre("u64[2, 1]"));
  EXPECT_THAT(list<uint64_t>(run(HashTensor{.axes = {-2}}, {x})[0]),
              ElementsAre(9u, 10u, ~uint64_t{4}));
}

// 1.0 and 2.0 in double precision are 0x3ff0... and 0x4000...
TEST_F(HashTensorTest, FloatsAreTakenInDoublePrecision) {
  EXPECT_THAT(list<uint64_t>(run(HashTensor{}, {floats({2}, {1, 2})})[0]),
              ElementsAre(0x7ff0000000000000u));
  EXPECT_THAT(list<uint64_t>(run(HashTensor{}, {floats({0}, {})})[0]), ElementsAre(0u));
}

}  // namespace
}  // namespace tenon::ops
