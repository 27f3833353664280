// Shapes of DFT with symbolic sizes, and its kernel against sums written out here and values of
// NumPy.
#include "ops/dft/dft.h"

#include <gtest/gtest.h>

#include <complex>
#include <numbers>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "ops/common/ref_fft.h"
#include "ops/tables.h"

namespace tenon::ops {
namespace {

using ir::Dim;
using ir::Value;

struct DftTest : testing::Test {
  std::vector<const ir::OpSpec*> table = op_table();
  std::vector<const ir::RefKernel*> kernel_table = ref_table();
  ir::OpSet ops{table};
  ir::RefKernels kernels{kernel_table};
  ir::Graph graph;
  ir::Builder b{graph, ops};

  Value* input(ir::Shape shape) {
    return graph.add_input("x", ir::Type::tensor(DType::f64, std::move(shape)));
  }
  std::string type(const Value* value) {
    EXPECT_TRUE(b.status());
    return value->type.str();
  }
  std::vector<double> run(const DFT& op, std::vector<double> x, Dims shape, int64_t length = 0,
                          int64_t axis = -2) {
    Value* value = input(ir::to_shape(shape));
    Value* out = b.emit(op, {value, length ? b.scalar_int(length) : nullptr, b.scalar_int(axis)});
    EXPECT_TRUE(b.status());
    graph.add_output(out);
    const Tensor in = Tensor::of<double>(DType::f64, shape, x);
    auto result = ir::evaluate(graph, kernels, std::span(&in, 1));
    EXPECT_TRUE(result);
    if (!result) return {};
    const auto values = (*result)[0].values<double>();
    return {values.begin(), values.end()};
  }
  static void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-12) << i;
  }
};

TEST_F(DftTest, Shapes) {
  graph.symbols.push_back({.name = "N", .range = {2, 64}});
  const Dim n = Dim::symbol("N");
  EXPECT_EQ(type(b.emit(DFT{}, {input({2, n, 1})})), "f64[2, N, 2]");
  EXPECT_EQ(type(b.emit(DFT{.onesided = true}, {input({2, n, 1})})),
            "f64[2, floordiv(N, 2) + 1, 2]");
  EXPECT_EQ(type(b.emit(DFT{.inverse = true, .onesided = true}, {input({2, 5, 2})})),
            "f64[2, 8, 1]");
  EXPECT_EQ(type(b.emit(DFT{}, {input({6, 3, 2}), b.scalar_int(4), b.scalar_int(0)})),
            "f64[4, 3, 2]");
  b.emit(DFT{.onesided = true}, {input({2, 8, 2})});
  EXPECT_FALSE(b.status());
  b.emit(DFT{}, {input({2, 8, 3})});
  EXPECT_FALSE(b.status());
  b.emit(DFT{}, {input({2, 8, 1}), nullptr, b.scalar_int(2)});
  EXPECT_FALSE(b.status());
}

TEST_F(DftTest, RealNumbers) {
  expect_near(
      run({.onesided = true}, {1, 2, 4, -1, 3}, {5, 1}),
      {9.0, 0.0, 0.1180339887498949, -1.9878697451672123, -2.118033988749895, 5.343067833768241});
}

TEST_F(DftTest, ComplexNumbersBack) {
  expect_near(run({.inverse = true}, {1, 2, 3, -1, 0, -2}, {3, 2}),
              {1.3333333333333333, -0.3333333333333333, -0.4553418012614795, 2.0326920704511053,
               0.1220084679281462, 0.300641262882228});
}

TEST_F(DftTest, OneSidedBack) {
  expect_near(
      run({.inverse = true, .onesided = true}, {1, 0, 2, -1, 0, 3}, {3, 2}, 5),
      {1.0, 0.12229389926705161, 0.9291683249712155, -1.8235955159711315, 0.7721332917328644});
}

TEST_F(DftTest, FirstAxisShortened) {
  expect_near(run({}, {1, 5, 2, 6, 3, 7}, {3, 2, 1}, 2, 0), {3, 0, 11, 0, -1, 0, -1, 0});
}

TEST_F(DftTest, ZerosBehind) {
  expect_near(run({}, {1, 2}, {2, 1}, 4), {3, 0, 1, -2, -1, 0, 1, 2});
}

// Lengths of small factors, primes, primes squared, powers of two: against the sum itself.
TEST(Fft, EveryLength) {
  for (const size_t n : {1UL, 2UL, 3UL, 4UL, 6UL, 8UL, 13UL, 30UL, 31UL, 32UL, 37UL, 49UL, 60UL,
                         74UL, 101UL, 128UL, 1369UL}) {
    std::vector<Fft::Complex> x(n), y(n), back(n);
    for (size_t i = 0; i < n; ++i)
      x[i] = {std::sin(0.7 * static_cast<double>(i * i)), std::cos(1.3 * static_cast<double>(i))};
    Fft fft(n);
    fft.forward(x, y);
    for (size_t k = 0; k < n; ++k) {
      Fft::Complex sum;
      for (size_t i = 0; i < n; ++i)
        sum += x[i] * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(i * k % n) /
                                          static_cast<double>(n));
      EXPECT_NEAR(std::abs(sum - y[k]), 0, 1e-10) << n << " " << k;
    }
    fft.inverse(y, back);
    for (size_t i = 0; i < n; ++i) EXPECT_NEAR(std::abs(x[i] - back[i]), 0, 1e-11) << n << " " << i;
  }
}

}  // namespace
}  // namespace tenon::ops
