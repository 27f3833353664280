// torch.stft and torch.istft.
#include "ops/stft/stft.h"

#include <cmath>

#include "ops/common/complex_parts.h"

namespace tenon::ops {
namespace stft_lowering {

using lower::Parts;
using lower::V;
using torch::LowerContext;
using torch::TensorRef;
using torch::Value;

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

// Frames [batch, count, size] added up where they overlap: [batch, (count + blocks - 1) * step].
// Each is cut into blocks of a step; the first blocks of all are a signal, so are the second ones,
// one step later, and so on.
constexpr int64_t kMostBlocks = 64;
V* overlapped(LowerContext& c, V* frames, const Frames& f) {
  const Sizes sizes = lower::sizes(c, frames);
  const int64_t blocks = (f.size + f.step - 1) / f.step;
  auto zeros = [&](Sizes shape) { return lower::filled(c, shape, 0, frames->dtype()); };
  if (blocks * f.step != f.size)
    frames = lower::concat(
        c, {frames, zeros({sizes[0], sizes[1], ir::Dim(blocks * f.step - f.size)})}, 2);
  frames = lower::reshape(c, frames, {sizes[0], sizes[1], ir::Dim(blocks), ir::Dim(f.step)});
  V* sum = nullptr;
  for (int64_t i = 0; i < blocks; ++i) {
    std::vector<V*> parts;
    if (i > 0) parts.push_back(zeros({sizes[0], ir::Dim(i), ir::Dim(f.step)}));
    parts.push_back(lower::gather(c, frames, c.b.scalar_int(i), 2));
    if (i + 1 < blocks)
      parts.push_back(zeros({sizes[0], ir::Dim(blocks - 1 - i), ir::Dim(f.step)}));
    V* shifted = lower::concat(c, parts, 1);
    sum = sum ? lower::add(c, sum, shifted) : shifted;
  }
  return lower::reshape(c, sum, {sizes[0], (sizes[1] + ir::Dim(blocks - 1)) * ir::Dim(f.step)});
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
  if (whole && onesided) return c.refuse("half of a spectrum does not give a complex signal");
  if (f->size > kMostBlocks * f->step)
    return c.refuse(
        "ONNX adds no overlapping frames up, and these overlap too often to write it out",
        "use a longer hop_length");
  // Of a real signal's spectrum half is enough.
  if (!whole && !onesided) x = lower::slice(c, x, 1, 0, f->size / 2 + 1);
  x = lower::transpose(c, x, {0, 2, 1, 3});
  const Sizes sizes = lower::sizes(c, x);  // [batch, frames, frequencies, 2]
  const ir::Dim count = sizes[1];
  const Value frames = lower::applied(c, whole ? "aten::fft_ifft" : "aten::fft_irfft",
                                      {c.machine().tensor(x, true), Value::integer(f->size)});
  V* window = window_of(c, *f, type);
  auto signal = [&](const char* part) {
    V* y = lower::result(c, lower::applied(c, part, {frames}));
    return overlapped(c, lower::mul(c, y, window), *f);
  };
  V* squares = lower::expand(c, lower::mul(c, window, window), {1, count, ir::Dim(f->size)});
  V* envelope = overlapped(c, squares, *f);
  const ir::Dim full = ir::Dim(f->size) + (count - ir::Dim(1)) * ir::Dim(f->step);
  const bool center = c.flag("center");
  const ir::Dim start = center ? f->size / 2 : 0;
  ir::Dim end = full - (center ? ir::Dim(f->size / 2) : ir::Dim(0));
  if (c.has("length")) end = start + c.integer("length");
  const ir::Dim kept = min(end, full);
  const double scale = c.flag("normalized") ? std::sqrt(static_cast<double>(f->size)) : 1;
  auto finished = [&](V* y) {
    y = lower::div(c, lower::slice(c, y, 1, start, kept),
                   lower::slice(c, envelope, 1, start, kept));
    if (scale != 1) y = lower::mul(c, y, lower::like(c, y, scale));
    Sizes shape{sizes[0], kept - start};
    if (!c.b.failed()) y->type.shape = shape;
    if (!(kept == end)) {
      shape[1] = end - kept;
      y = lower::concat(c, {y, lower::filled(c, shape, 0, type)}, 1);
      shape[1] = end - start;
      if (!c.b.failed()) y->type.shape = shape;
    }
    return batched ? y : lower::squeeze(c, y, {0});
  };
  if (!whole) return finished(signal("aten::real"));
  return lower::joined(c, {finished(signal("aten::real")), finished(signal("aten::imag"))});
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
