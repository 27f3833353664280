// Losses of small inputs, computed by summing over all paths.
#include "ops/ctc_loss/ctc_loss.h"

#include <gmock/gmock.h>

#include "ops/common/testing.h"

namespace tenon::ops {
namespace {

using testing::ElementsAre;

struct CTCLossTest : OperatorTest {
  // [3 times, 2 samples, 3 classes]
  static Tensor log_probs() {
    std::vector<double> p{.5, .3, .2, .1, .6, .3, .2, .4, .4, .7, .2, .1, .6, .1, .3, .25, .25, .5};
    for (double& v : p) v = std::log(v);
    return Tensor::of<double>(DType::f64, {3, 2, 3}, p);
  }
};

TEST_F(CTCLossTest, TargetsInRowsAndOneAfterTheOther) {
  const std::vector<double> want{1.5050778971098575, 0.5798184952529423};
  auto out = run(
      CTCLoss{},
      {log_probs(), integers({2, 2}, {1, 2, 1, 0}), integers({2}, {3, 2}), integers({2}, {2, 1})},
      2);
  ASSERT_EQ(out.size(), 2u) << why;
  expect_near(list<double>(out[0]), want, 1e-12);
  EXPECT_EQ(out[1].shape(), (Dims{2, 3, 5}));
  out = run(CTCLoss{},
            {log_probs(), integers({3}, {1, 2, 1}), integers({2}, {3, 2}), integers({2}, {2, 1})});
  ASSERT_EQ(out.size(), 1u) << why;
  expect_near(list<double>(out[0]), want, 1e-12);
}

TEST_F(CTCLossTest, EqualNeighboursNeedABlankBetweenThem) {
  auto loss = [&](const std::vector<int64_t>& labels, int64_t times) {
    const auto length = static_cast<int64_t>(labels.size());
    const auto out = run(CTCLoss{}, {log_probs(), integers({length}, labels),
                                     integers({2}, {times, 0}), integers({2}, {length, 0})});
    return out.empty() ? std::nan("") : list<double>(out[0])[0];
  };
  EXPECT_NEAR(loss({1, 1}, 3), 5.115995809754082, 1e-12);
  EXPECT_NEAR(loss({}, 3), 2.8134107167600364, 1e-12);
  EXPECT_EQ(loss({1, 1}, 2), HUGE_VAL);
}

TEST_F(CTCLossTest, LengthsAndLabelsOutOfRangeAreRefused) {
  const auto x = log_probs();
  const auto two = [](int64_t a, int64_t b) { return integers({2}, {a, b}); };
  EXPECT_TRUE(run(CTCLoss{}, {x, integers({2}, {1, 2}), two(4, 1), two(1, 1)}).empty());
  EXPECT_TRUE(run(CTCLoss{}, {x, integers({2}, {1, 2}), two(3, 3), two(2, 1)}).empty());
  EXPECT_TRUE(run(CTCLoss{}, {x, integers({2}, {1, 3}), two(3, 3), two(1, 1)}).empty());
  EXPECT_TRUE(run(CTCLoss{.blank = 3}, {x, integers({2}, {1, 2}), two(3, 3), two(1, 1)}).empty());
}

}  // namespace
}  // namespace tenon::ops
