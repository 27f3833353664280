#include "ops/dft/dft.h"

#include "ops/common/ref.h"
#include "ops/common/ref_fft.h"

namespace tenon::ops {
namespace {

constexpr int64_t kLongest = int64_t{1} << 28;

// A signal along the axis and its transform, in turn for every place of the other axes.
struct Layout {
  int64_t size = 0, inner = 1, outer = 1;
  int64_t parts = 1;
  int64_t at(int64_t row, int64_t i) const {
    return (row / inner * size * inner + i * inner + row % inner) * parts;
  }
};

Result<int64_t> scalar_input(const RefContext& c, size_t i) {
  const auto values = TRY(integer_input(c, i));
  if (values.size() != 1) return c.fail(fmt::format("input {} is not one number", i));
  return values[0];
}

Status run_dft(RefContext& c) {
  TRY(need_computable(c));
  const DFT op = c.as<DFT>();
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  const size_t rank = dims.size();
  if (rank < 2 || (dims.back() != 1 && dims.back() != 2))
    return c.fail("the last axis does not hold the parts of a number");
  const size_t axis = c.has(2) ? TRY(axis_at(c, TRY(scalar_input(c, 2)), rank)) : rank - 2;
  if (axis + 1 == rank) return c.fail("the last axis holds the parts of a number");
  const bool real_result = op.onesided && op.inverse;
  if (op.onesided && (dims.back() == 2) != op.inverse)
    return c.fail("a one-sided transform leads from real to complex numbers, its inverse back");
  int64_t n = real_result ? 2 * (dims[axis] - 1) : dims[axis];
  if (c.has(1)) n = TRY(scalar_input(c, 1));
  if (n < 1 || n > kLongest) return c.fail(fmt::format("a transform of {} elements", n));
  Layout in{dims[axis], 1, extent(dims, 0, axis), dims.back()};
  for (size_t i = axis + 1; i + 1 < rank; ++i) in.inner *= dims[i];
  Dims out_dims = dims;
  out_dims[axis] = op.onesided && !op.inverse ? n / 2 + 1 : n;
  out_dims.back() = real_result ? 1 : 2;
  TRY(check_size(c, x.dtype(), out_dims));
  const Layout out{out_dims[axis], in.inner, in.outer, out_dims.back()};

  const std::vector<double> from = elements<double>(x);
  std::vector<double> to(static_cast<size_t>(element_count(out_dims)));
  Fft fft(static_cast<size_t>(n));
  std::vector<Fft::Complex> signal(static_cast<size_t>(n)), result(static_cast<size_t>(n));
  const int64_t given = std::min(in.size, real_result ? n / 2 + 1 : n);
  for (int64_t row = 0; row < in.inner * in.outer; ++row) {
    std::fill(signal.begin(), signal.end(), Fft::Complex());
    for (int64_t i = 0; i < given; ++i) {
      const auto at = static_cast<size_t>(in.at(row, i));
      signal[static_cast<size_t>(i)] = {from[at], in.parts == 2 ? from[at + 1] : 0};
    }
    // The other half of the spectrum of a real signal.
    for (int64_t i = n / 2 + 1; real_result && i < n; ++i)
      signal[static_cast<size_t>(i)] = std::conj(signal[static_cast<size_t>(n - i)]);
    if (op.inverse)
      fft.inverse(signal, result);
    else
      fft.forward(signal, result);
    for (int64_t i = 0; i < out.size; ++i) {
      const auto at = static_cast<size_t>(out.at(row, i));
      to[at] = result[static_cast<size_t>(i)].real();
      if (out.parts == 2) to[at + 1] = result[static_cast<size_t>(i)].imag();
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), out_dims, to);
  return {};
}

}  // namespace

std::span<const RefKernel> dft_ref() {
  static constexpr RefKernel kernels[] = {kernel<DFT>(run_dft)};
  return kernels;
}

}  // namespace tenon::ops
