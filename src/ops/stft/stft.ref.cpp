#include "ops/stft/stft.h"

#include "ops/common/ref.h"
#include "ops/common/ref_fft.h"

namespace tenon::ops {
namespace {

Status run_stft(RefContext& c) {
  TRY(need_computable(c));
  const bool onesided = c.as<STFT>().onesided;
  const Dims& dims = c.input(0).shape();
  if (dims.size() != 3 || (dims[2] != 1 && dims[2] != 2) || (onesided && dims[2] == 2))
    return c.fail("the signal is not [batch, length, 1 or 2], or complex where it must be real");
  const auto steps = TRY(integer_input(c, 1));
  if (steps.size() != 1 || steps[0] < 1) return c.fail("the step between frames is not positive");
  std::vector<double> window;
  if (c.has(2)) window = elements<double>(c.input(2));
  int64_t n = c.has(2) ? static_cast<int64_t>(window.size()) : dims[1];
  if (c.has(3)) {
    const auto length = TRY(integer_input(c, 3));
    if (length.size() != 1 || (c.has(2) && length[0] != n))
      return c.fail("the window has another length than the frames");
    n = length[0];
  }
  if (n < 1 || n > dims[1]) return c.fail(fmt::format("frames of {} in {} elements", n, dims[1]));
  if (window.empty()) window.assign(static_cast<size_t>(n), 1);
  const int64_t frames = (dims[1] - n) / steps[0] + 1, bins = onesided ? n / 2 + 1 : n;
  const Dims out_dims{dims[0], frames, bins, 2};
  TRY(check_size(c, c.input(0).dtype(), out_dims));

  const std::vector<double> from = elements<double>(c.input(0));
  std::vector<double> to(static_cast<size_t>(element_count(out_dims)));
  Fft fft(static_cast<size_t>(n));
  std::vector<Fft::Complex> frame(static_cast<size_t>(n)), spectrum(static_cast<size_t>(n));
  double* out = to.data();
  for (int64_t row = 0; row < dims[0] * frames; ++row) {
    const double* at = from.data() + (row / frames * dims[1] + row % frames * steps[0]) * dims[2];
    for (int64_t i = 0; i < n; ++i) {
      const double* x = at + i * dims[2];
      const double w = window[static_cast<size_t>(i)];
      frame[static_cast<size_t>(i)] = {x[0] * w, dims[2] == 2 ? x[1] * w : 0};
    }
    fft.forward(frame, spectrum);
    for (int64_t k = 0; k < bins; ++k) {
      *out++ = spectrum[static_cast<size_t>(k)].real();
      *out++ = spectrum[static_cast<size_t>(k)].imag();
    }
  }
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), out_dims, to);
  return {};
}

}  // namespace

std::span<const RefKernel> stft_ref() {
  static constexpr RefKernel kernels[] = {kernel<STFT>(run_stft)};
  return kernels;
}

}  // namespace tenon::ops
