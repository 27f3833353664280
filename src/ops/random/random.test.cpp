// What is drawn is of the right type, shape and distribution, the same with a seed and other
// without.
#include "ops/random/random.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "ops/common/ref.h"
#include "ops/tables.h"

namespace tenon::ops {
namespace {

using ir::Dim;
using ir::Type;
using ir::Value;

constexpr int64_t kCount = 100000;

struct RandomTest : testing::Test {
  std::vector<const ir::OpSpec*> op_entries = op_table();
  std::vector<const ir::RefKernel*> ref_entries = ref_table();
  ir::OpSet ops{op_entries};
  ir::RefKernels kernels{ref_entries};
  ir::Graph graph;
  ir::Builder b{graph, ops};

  // Runs the node that gives a value.
  std::vector<double> run(const Value* value, std::vector<Tensor> inputs = {}) {
    EXPECT_TRUE(b.status());
    std::vector<const Tensor*> given;
    for (const Tensor& one : inputs) given.push_back(&one);
    auto out = ir::evaluate_node(*value->producer, kernels, given);
    EXPECT_TRUE(out) << out.error().message();
    if (!out) return {};
    EXPECT_EQ((*out)[0].dtype(), value->dtype());
    return elements<double>((*out)[0]);
  }
  std::string why() {
    const auto status = b.status();
    return status ? "no error" : status.error().why;
  }
};

struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  double sum = 0, squares = 0;
  for (const double v : x) sum += v, squares += v * v;
  return {sum / n, std::sqrt(squares / n - sum * sum / n / n)};
}

TEST_F(RandomTest, Uniform) {
  const auto type = static_cast<int64_t>(DType::f64);
  Value* y = b.emit(RandomUniform{.dtype = type, .high = 5, .low = -1, .shape = {kCount}}, {});
  EXPECT_EQ(y->type.str(), "f64[100000]");
  const auto x = run(y);
  const Moments m = moments(x);
  EXPECT_NEAR(m.mean, 2, 0.05);
  EXPECT_NEAR(m.deviation, 6 / std::sqrt(12), 0.05);
  EXPECT_GE(*std::min_element(x.begin(), x.end()), -1);
  EXPECT_LT(*std::max_element(x.begin(), x.end()), 5);
  EXPECT_NE(run(y), x);
}

// A narrow type has few numbers below 1, and 1 is not among them.
TEST_F(RandomTest, UniformOfNarrowTypes) {
  for (const DType type : {DType::f16, DType::bf16, DType::f32}) {
    Value* y = b.emit(RandomUniform{.dtype = static_cast<int64_t>(type), .shape = {kCount}}, {});
    const auto x = run(y);
    EXPECT_LT(*std::max_element(x.begin(), x.end()), 1);
    EXPECT_NEAR(moments(x).mean, 0.5, 0.01);
  }
}

TEST_F(RandomTest, SeedsRepeat) {
  for (const float seed : {0.0f, 1.5f}) {
    Value* y = b.emit(RandomNormal{.seed = seed, .shape = {7}}, {});
    EXPECT_EQ(run(y), run(y));
  }
  EXPECT_NE(run(b.emit(RandomNormal{.seed = 1.0f, .shape = {7}}, {})),
            run(b.emit(RandomNormal{.seed = 2.0f, .shape = {7}}, {})));
}

TEST_F(RandomTest, LikeAnotherTensor) {
  graph.symbols.push_back({.name = "N", .range = {1, kCount}});
  Value* ints =
      graph.add_input("ints", Type::tensor(DType::i32, ir::Shape{Dim::symbol("N"), Dim(2)}));
  Value* y = b.emit(
      RandomNormalLike{.dtype = static_cast<int64_t>(DType::f32), .mean = 3, .scale = 2}, {ints});
  EXPECT_EQ(y->type.str(), "f32[N, 2]");
  const Moments m = moments(run(y, {Tensor::zeros(DType::i32, {kCount / 2, 2})}));
  EXPECT_NEAR(m.mean, 3, 0.05);
  EXPECT_NEAR(m.deviation, 2, 0.05);
  // Without a type it takes the input's, which must be of floating-point numbers.
  b.emit(RandomUniformLike{}, {ints});
  EXPECT_NE(why().find("floating"), std::string::npos);
}

TEST_F(RandomTest, Bernoulli) {
  Value* p = graph.add_input("p", Type::tensor(DType::f32, ir::Shape{Dim(kCount)}));
  Value* y = b.emit(ops::Bernoulli{.dtype = static_cast<int64_t>(DType::boolean)}, {p});
  Tensor given = Tensor::zeros(DType::f32, {kCount});
  for (float& v : given.mutable_values<float>()) v = 0.25f;
  EXPECT_NEAR(moments(run(y, {given})).mean, 0.25, 0.01);
  for (const float certain : {0.0f, 1.0f}) {
    for (float& v : given.mutable_values<float>()) v = certain;
    EXPECT_EQ(moments(run(y, {given})).mean, certain);
  }
}

TEST_F(RandomTest, Multinomial) {
  Value* logs = graph.add_input("logs", Type::tensor(DType::f64, ir::Shape{Dim(1), Dim(3)}));
  Value* y = b.emit(ops::Multinomial{.sample_size = kCount}, {logs});
  EXPECT_EQ(y->type.str(), "i32[1, 100000]");
  const auto x = run(y, {Tensor::of<double>(DType::f64, {1, 3},
                                            std::vector{std::log(2.0), -HUGE_VAL, std::log(6.0)})});
  EXPECT_EQ(std::count(x.begin(), x.end(), 1.0), 0);
  EXPECT_NEAR(static_cast<double>(std::count(x.begin(), x.end(), 2.0)), 0.75 * kCount,
              0.01 * kCount);
}

}  // namespace
}  // namespace tenon::ops
