// torch.hann_window and its like. PyTorch gives one element as 1 and none as none.
#include <cmath>
#include <numbers>

#include "ops/common/lower.h"
#include "ops/spectral_window/spectral_window.h"

namespace tenon::ops {
namespace spectral_window_lowering {

using lower::V;
using torch::LowerContext;

std::optional<DType> type_of(LowerContext& c) {
  const DType type = c.dtype("dtype").value_or(DType::f32);
  if (is_floating(type)) return type;
  c.refuse("a window is of floating-point numbers");
  return std::nullopt;
}
bool periodic(LowerContext& c) { return !c.has("periodic") || c.flag("periodic"); }

// A window of known length: f of the place, from 0 at one end to 1 at the other.
template <class F>
V* table(LowerContext& c, int64_t size, DType type, F&& f) {
  std::vector<double> out(static_cast<size_t>(size));
  const auto n = static_cast<double>(periodic(c) ? size : size - 1);
  for (int64_t i = 0; i < size; ++i)
    out[static_cast<size_t>(i)] = size == 1 ? 1 : f(static_cast<double>(i) / n);
  return lower::float_table(c, out, {size}, type);
}

// The same of a length that is known when the graph runs: the places as f64.
V* places(LowerContext& c, const ir::Dim& size) {
  V* i = c.b.emit_named("Range", {c.b.scalar_int(0), c.b.dim(size), c.b.scalar_int(1)});
  if (!c.b.failed()) i->type.shape = Sizes{size};
  V* n = c.b.dim(periodic(c) ? size : size - ir::Dim(1));
  return lower::div(c, c.b.cast(i, DType::f64), c.b.cast(n, DType::f64));
}
V* ones_for_one(LowerContext& c, V* window, const ir::Dim& size, DType type) {
  V* one = c.b.emit_named("Equal", {c.b.dim(size), c.b.scalar_int(1)});
  return c.b.cast(lower::where(c, one, lower::like(c, window, 1), window), type);
}

V* cosines(LowerContext& c, const CosineSum& sum) {
  const auto type = type_of(c);
  if (!type) return nullptr;
  const ir::Dim size = c.integer("window_length");
  if (const auto n = size.constant()) {
    if (*n < 0) return c.refuse("the length of the window is negative");
    return table(c, *n, *type, [&](double x) {
      const double angle = 2 * std::numbers::pi * x;
      return sum.a - sum.b * std::cos(angle) + sum.c * std::cos(2 * angle);
    });
  }
  V* x = places(c, size);
  auto cosine = [&](double turns, double factor) {
    V* angle = lower::mul(c, x, lower::like(c, x, turns * 2 * std::numbers::pi));
    return lower::mul(c, c.b.emit_named("Cos", {angle}), lower::like(c, x, factor));
  };
  V* out = lower::sub(c, lower::like(c, x, sum.a), cosine(1, sum.b));
  if (sum.c != 0) out = lower::add(c, out, cosine(2, sum.c));
  return ones_for_one(c, out, size, *type);
}

V* hann(LowerContext& c) { return cosines(c, kHann); }
V* blackman(LowerContext& c) { return cosines(c, kBlackman); }
// PyTorch rounds the coefficients where ONNX does not.
V* hamming(LowerContext& c) {
  return cosines(
      c, {c.has("alpha") ? c.number("alpha") : 0.54, c.has("beta") ? c.number("beta") : 0.46, 0});
}

V* bartlett(LowerContext& c) {
  const auto type = type_of(c);
  if (!type) return nullptr;
  const ir::Dim size = c.integer("window_length");
  if (const auto n = size.constant()) {
    if (*n < 0) return c.refuse("the length of the window is negative");
    return table(c, *n, *type, [](double x) { return 1 - std::abs(2 * x - 1); });
  }
  V* x = places(c, size);
  V* distance = c.b.emit_named(
      "Abs", {lower::sub(c, lower::mul(c, x, lower::like(c, x, 2)), lower::like(c, x, 1))});
  return ones_for_one(c, lower::sub(c, lower::like(c, x, 1), distance), size, *type);
}

// The modified Bessel function of the first kind, by its series.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 1000 && term > sum * 1e-17; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}
V* kaiser(LowerContext& c) {
  const auto type = type_of(c);
  if (!type) return nullptr;
  const auto size = c.integer("window_length").constant();
  if (!size || *size < 0)
    return c.refuse("ONNX has no Bessel function for a window whose length the input decides",
                    "fix the length");
  const double beta = c.has("beta") ? c.number("beta") : 12;
  return table(c, *size, *type, [&](double x) {
    const double place = 2 * x - 1;
    return bessel(beta * std::sqrt(std::max(0.0, 1 - place * place))) / bessel(beta);
  });
}

}  // namespace spectral_window_lowering

std::span<const torch::Lowering> spectral_window_torch() {
  using namespace spectral_window_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::hann_window", hann},
      {"aten::hann_window.periodic", hann},
      {"aten::hamming_window", hamming},
      {"aten::hamming_window.periodic", hamming},
      {"aten::hamming_window.periodic_alpha", hamming},
      {"aten::hamming_window.periodic_alpha_beta", hamming},
      {"aten::blackman_window", blackman},
      {"aten::blackman_window.periodic", blackman},
      {"aten::bartlett_window", bartlett},
      {"aten::bartlett_window.periodic", bartlett},
      {"aten::kaiser_window", kaiser},
      {"aten::kaiser_window.periodic", kaiser},
      {"aten::kaiser_window.beta", kaiser},
  };
  return kAll;
}

}  // namespace tenon::ops
