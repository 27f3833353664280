#include "ops/spectral_window/spectral_window.h"

#include <numbers>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class Op>
Status run_window(RefContext& c, const CosineSum& sum) {
  const auto sizes = TRY(integer_input(c, 0));
  if (sizes.size() != 1 || sizes[0] < 0) return c.fail("the size is not one number from 0 on");
  const Op op = c.as<Op>();
  const auto type = static_cast<DType>(op.output_datatype);
  if (!is_computable(type))
    return c.unsupported("a window of this type", "ask for a float of 16 bits or more");
  const Dims dims{sizes[0]};
  TRY(check_size(c, type, dims));
  std::vector<double> out(static_cast<size_t>(sizes[0]));
  const auto n = static_cast<double>(op.periodic ? sizes[0] : sizes[0] - 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / n;
    out[i] = sum.a - sum.b * std::cos(angle) + sum.c * std::cos(2 * angle);
  }
  c.outputs[0] = from_elements<double>(type, dims, out);
  return {};
}
Status hann(RefContext& c) { return run_window<HannWindow>(c, kHann); }
Status hamming(RefContext& c) { return run_window<HammingWindow>(c, kHamming); }
Status blackman(RefContext& c) { return run_window<BlackmanWindow>(c, kBlackman); }

}  // namespace

std::span<const RefKernel> spectral_window_ref() {
  static constexpr RefKernel kernels[] = {kernel<HannWindow>(hann), kernel<HammingWindow>(hamming),
                                          kernel<BlackmanWindow>(blackman)};
  return kernels;
}

}  // namespace tenon::ops
