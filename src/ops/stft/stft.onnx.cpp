#include "ops/stft/stft.h"

#include <cmath>
#include <numbers>

#include "onnx/mapping.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {
namespace stft_mapping {

constexpr int64_t kLargestTable = int64_t{1} << 24;  // elements

// Cosines and sines of each frequency as the kernels of a convolution: [2 bins, 1, n].
Tensor kernels(int64_t n, int64_t bins, DType type) {
  std::vector<double> out(static_cast<size_t>(2 * bins * n));
  for (int64_t k = 0; k < bins; ++k) {
    for (int64_t i = 0; i < n; ++i) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(i * k % n) / static_cast<double>(n);
      out[static_cast<size_t>(2 * k * n + i)] = std::cos(angle);
      out[static_cast<size_t>((2 * k + 1) * n + i)] = -std::sin(angle);
    }
  }
  const Dims shape{2 * bins, 1, n};
  if (type == DType::f64) return Tensor::of<double>(type, shape, out);
  const std::vector<float> narrow(out.begin(), out.end());
  return Tensor::of<float>(DType::f32, shape, narrow);
}

// Before opset 17: a convolution of the signal with windowed waves.
Status write_stft(onnx::ExportContext& c) {
  if (c.opset >= 17) return {};
  const auto &signal = c.input(0)->shape(), &out = c.node->output(0)->shape();
  const auto step = c.constant_ints(1);
  const auto bins = out && out->size() == 4 ? (*out)[2].constant() : std::nullopt;
  std::optional<int64_t> n;
  if (c.has(3)) {
    if (const auto length = c.constant_ints(3); length && length->size() == 1) n = (*length)[0];
  } else if (c.has(2)) {
    if (c.input(2)->shape()) n = (*c.input(2)->shape())[0].constant();
  } else if (signal) {
    n = (*signal)[1].constant();
  }
  if (!signal || !(*signal)[2].is(1) || !step || step->size() != 1 || !bins || !n)
    return c.fail(
        "a transform of complex numbers, or of frames whose length or step is known only "
        "when the model runs",
        17);
  if (2 * *bins > kLargestTable / *n)
    return c.fail("a transform of this length as a convolution is too large", 17);
  ir::Builder& b = c.b;
  const DType type = c.input(0)->dtype(), wide = type == DType::f64 ? DType::f64 : DType::f32;
  ir::Value* waves = b.constant(kernels(*n, *bins, wide));
  if (c.has(2)) waves = b.emit_named("Mul", {waves, b.cast(c.input(2), wide)});
  Transpose order;
  order.perm = {0, 2, 1};
  ir::Value* x = b.emit(order, {b.cast(c.input(0), wide)});
  x = b.emit_with("Conv",
                  {{"auto_pad", std::string("NOTSET")},
                   {"kernel_shape", std::vector<int64_t>{*n}},
                   {"strides", *step},
                   {"pads", std::vector<int64_t>{0, 0}},
                   {"dilations", std::vector<int64_t>{1}},
                   {"group", int64_t{1}}},
                  {x, waves});
  // [batch, 2 bins, frames] -> [batch, frames, bins, 2]
  x = b.emit(order, {x});
  x = b.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {x, b.ints({0, 0, *bins, 2})});
  return c.replace({b.cast(x, type)});
}

}  // namespace stft_mapping

// onnx's own shape inference takes an attribute that is left out for 0, where its default is 1.
std::span<const onnx::Mapping> stft_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<STFT>({.write = stft_mapping::write_stft, .spell_out = true})};
  return rows;
}

}  // namespace tenon::ops
