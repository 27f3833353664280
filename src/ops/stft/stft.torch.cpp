// torch.stft and torch.istft.
#include "ops/stft/stft.h"

#include <cmath>
#include <numbers>

#include "ops/common/complex_parts.h"

namespace tenon::ops {
namespace stft_lowering {

using lower::Parts;
using lower::V;
using torch::LowerContext;
using torch::TensorRef;
using torch::Value;

constexpr int64_t kLargestTable = int64_t{1} << 24;  // elements

// What both calls say of frames.
struct Frames {
  int64_t size = 0, step = 0, window = 0;
};
std::optional<Frames> frames_of(LowerContext& c) {
  Frames f;
  f.size = c.constant("n_fft");
  f.step = c.has("hop_length") ? c.constant("hop_length") : f.size / 4;
  f.window = c.has("win_length") ? c.constant("win_length") : f.size;
  if (f.size > 0 && f.step > 0 && f.window > 0 && f.window <= f.size) return f;
  c.refuse("the frames, their window or the step between them have no possible size");
  return std::nullopt;
}

// The window in the middle of a frame; ones where none is given.
V* window_of(LowerContext& c, const Frames& f, DType type) {
  V* window =
      c.has("window") ? c.operand("window", type) : lower::filled(c, {ir::Dim(f.window)}, 1, type);
  if (f.window == f.size) return window;
  const int64_t before = (f.size - f.window) / 2, behind = f.size - f.window - before;
  std::vector<V*> parts;
  if (before > 0) parts.push_back(lower::filled(c, {ir::Dim(before)}, 0, type));
  parts.push_back(window);
  if (behind > 0) parts.push_back(lower::filled(c, {ir::Dim(behind)}, 0, type));
  return lower::concat(c, parts, 0);
}

// The signal with both ends padded, so that frames are centred.
Value centred(LowerContext& c, const Value& signal, int64_t by, size_t rank) {
  torch::Machine& m = c.machine();
  Value x = signal;
  for (size_t i = rank; i < 3; ++i)
    x = lower::applied(c, "aten::unsqueeze", {x, Value::integer(0)});
  x = lower::applied(
      c, "aten::pad",
      {x, m.list({Value::integer(by), Value::integer(by)}), Value(c.text("pad_mode"))});
  for (size_t i = rank; i < 3; ++i) x = lower::applied(c, "aten::squeeze", {x, Value::integer(0)});
  return x;
}

V* spectrum(LowerContext& c, V* signal, const Frames& f, V* window, bool onesided) {
  const auto rank = static_cast<int64_t>(lower::rank(c, signal));
  signal =
      lower::unsqueeze(c, signal, rank == 1 ? std::vector<int64_t>{0, 2} : std::vector<int64_t>{2});
  return c.b.emit(STFT{.onesided = onesided},
                  {signal, c.b.scalar_int(f.step), window, c.b.scalar_int(f.size)});
}

V* stft(LowerContext& c) {
  const auto f = frames_of(c);
  const TensorRef* self = c.value("self").get<TensorRef>();
  if (!f || self == nullptr) return nullptr;
  const bool complex = is_complex((*self)->dtype);
  const size_t rank = (*self)->sizes.size();
  if (rank != 1 && rank != 2) return c.refuse("the signal has one dimension, or two with a batch");
  if (c.is_complex_number("window")) return c.refuse("the window is complex");
  if (c.has("align_to_window") && c.flag("align_to_window"))
    return c.refuse("frames that begin with their window", "leave align_to_window out");
  const bool onesided = c.has("onesided") ? c.flag("onesided") : !complex;
  if (complex && onesided) return c.refuse("half of the spectrum of a complex signal is not all");
  Value x = *self;
  if (c.has("center") && c.flag("center")) x = centred(c, x, f->size / 2, rank);
  const TensorRef* signal = x.get<TensorRef>();
  if (signal == nullptr) return c.refuse("the signal cannot be padded so");
  const DType type = torch::real_type(LowerContext::floating((*signal)->dtype));
  V* window = window_of(c, *f, type);
  V* out = nullptr;
  auto read = [&](DType as) {
    auto value = c.machine().read_as(**signal, as);
    if (!value) c.b.fail(value.error());
    return value ? *value : c.b.scalar(0, type);
  };
  if (complex) {
    // The transform of re + i im is that of re plus i times that of im.
    const Parts parts = lower::parts(c, read((*signal)->dtype));
    const Parts re = lower::parts(c, spectrum(c, parts.re, *f, window, false));
    const Parts im = lower::parts(c, spectrum(c, parts.im, *f, window, false));
    out = lower::joined(c, lower::add(c, re, lower::turned(c, im)));
  } else {
    out = spectrum(c, read(type), *f, window, onesided);
  }
  if (c.flag("normalized"))
    out = lower::mul(c, out, lower::like(c, out, 1 / std::sqrt(static_cast<double>(f->size))));
  out = lower::transpose(c, out, {0, 2, 1, 3});
  if (rank == 1) out = lower::squeeze(c, out, {0});
  return c.has("return_complex") && !c.flag("return_complex") ? out : c.complex(out);
}

// The inverse transform of each frequency's parts as kernels of a transposed convolution, which
// adds the frames up where they overlap: [2 bins, 1, n]. Half of a spectrum stands for all of it.
V* waves(LowerContext& c, int64_t n, int64_t bins, bool imaginary, DType type) {
  std::vector<double> out(static_cast<size_t>(2 * bins * n));
  for (int64_t k = 0; k < bins; ++k) {
    const bool twice = bins < n && k != 0 && 2 * k != n;
    const double scale = (twice ? 2 : 1) / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(i * k % n) / static_cast<double>(n);
      const double re = scale * std::cos(angle), im = scale * std::sin(angle);
      out[static_cast<size_t>(2 * k * n + i)] = imaginary ? im : re;
      out[static_cast<size_t>((2 * k + 1) * n + i)] = imaginary ? re : -im;
    }
  }
  return lower::float_table(c, out, {2 * bins, 1, n}, type);
}

V* overlapped(LowerContext& c, V* frames, V* kernels, const Frames& f) {
  return c.b.emit_with("ConvTranspose",
                       {{"auto_pad", std::string("NOTSET")},
                        {"kernel_shape", std::vector<int64_t>{f.size}},
                        {"strides", std::vector<int64_t>{f.step}},
                        {"pads", std::vector<int64_t>{0, 0}},
                        {"dilations", std::vector<int64_t>{1}},
                        {"output_padding", std::vector<int64_t>{0}},
                        {"group", int64_t{1}}},
                       {frames, kernels});
}

V* istft(LowerContext& c) {
  const auto f = frames_of(c);
  const TensorRef* self = c.value("self").get<TensorRef>();
  if (!f || self == nullptr) return nullptr;
  if (!is_complex((*self)->dtype)) return c.refuse("the spectrum is not complex");
  if (c.is_complex_number("window")) return c.refuse("the window is complex");
  const DType type = torch::real_type((*self)->dtype);
  const bool whole = c.flag("return_complex");
  const bool onesided = c.has("onesided") ? c.flag("onesided") : !whole;
  V* x = c.tensor("self");
  const bool batched = lower::rank(c, x) == 4;
  if (!batched && lower::rank(c, x) != 3)
    return c.refuse("the spectrum has two dimensions, or three with a batch");
  if (!batched) x = lower::unsqueeze(c, x, {0});
  // Of a real signal's spectrum half is enough.
  const int64_t bins = whole ? f->size : f->size / 2 + 1;
  if (whole && onesided) return c.refuse("half of a spectrum does not give a complex signal");
  if (!whole && !onesided) x = lower::slice(c, x, 1, 0, bins);
  if (2 * bins > kLargestTable / f->size)
    return c.refuse("a transform of this length is too large");
  const Sizes sizes = lower::sizes(c, x);  // [batch, bins, frames, 2]
  const ir::Dim count = sizes[2];
  // [batch, 2 bins, frames]
  x = lower::reshape(c, lower::transpose(c, x, {0, 1, 3, 2}), {sizes[0], ir::Dim(2 * bins), count});
  V* window = window_of(c, *f, type);
  auto signal = [&](bool imaginary) {
    return overlapped(c, x, lower::mul(c, waves(c, f->size, bins, imaginary, type), window), *f);
  };
  V* squares = lower::reshape(c, lower::mul(c, window, window), {1, 1, ir::Dim(f->size)});
  V* envelope = overlapped(c, lower::filled(c, {1, 1, count}, 1, type), squares, *f);
  const ir::Dim full = ir::Dim(f->size) + (count - ir::Dim(1)) * ir::Dim(f->step);
  const bool center = c.flag("center");
  const ir::Dim start = center ? f->size / 2 : 0;
  ir::Dim end = full - (center ? ir::Dim(f->size / 2) : ir::Dim(0));
  if (c.has("length")) end = start + c.integer("length");
  const ir::Dim kept = min(end, full);
  const double scale = c.flag("normalized") ? std::sqrt(static_cast<double>(f->size)) : 1;
  auto finished = [&](V* y) {
    y = lower::div(c, lower::slice(c, y, 2, start, kept),
                   lower::slice(c, envelope, 2, start, kept));
    if (scale != 1) y = lower::mul(c, y, lower::like(c, y, scale));
    Sizes shape{sizes[0], 1, kept - start};
    if (!c.b.failed()) y->type.shape = shape;
    if (!(kept == end)) {
      shape[2] = end - kept;
      y = lower::concat(c, {y, lower::filled(c, shape, 0, type)}, 2);
      shape[2] = end - start;
      if (!c.b.failed()) y->type.shape = shape;
    }
    return lower::squeeze(c, y, batched ? std::vector<int64_t>{1} : std::vector<int64_t>{0, 1});
  };
  if (!whole) return finished(signal(false));
  return lower::joined(c, {finished(signal(false)), finished(signal(true))});
}

}  // namespace stft_lowering

std::span<const torch::Lowering> stft_torch() {
  using namespace stft_lowering;
  using torch::Takes;
  static constexpr torch::Lowering kAll[] = {
      {"aten::stft", stft, Takes::any},
      {"aten::stft.center", stft, Takes::any},
      {"aten::istft", istft, Takes::complex},
  };
  return kAll;
}

}  // namespace tenon::ops
