#include "ops/lrn/lrn.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_lrn(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<LRN>();
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  if (dims.size() < 2 || op.size < 1) return c.fail("size or input do not fit the operator");
  const int64_t channels = dims[1], inner = extent(dims, 2, dims.size());
  const auto v = elements<double>(x);
  std::vector<double> out(v.size());
  for (int64_t n = 0; n < dims[0]; ++n) {
    for (int64_t ch = 0; ch < channels; ++ch) {
      const int64_t first = std::max<int64_t>(0, ch - (op.size - 1) / 2);
      const int64_t last = std::min(channels - 1, ch + op.size / 2);
      for (int64_t i = 0; i < inner; ++i) {
        double squares = 0;
        for (int64_t other = first; other <= last; ++other) {
          const double value = v[static_cast<size_t>((n * channels + other) * inner + i)];
          squares += value * value;
        }
        const auto at = static_cast<size_t>((n * channels + ch) * inner + i);
        out[at] = v[at] / std::pow(op.bias + op.alpha / static_cast<double>(op.size) * squares,
                                   static_cast<double>(op.beta));
      }
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> lrn_ref() {
  static constexpr RefKernel kernels[] = {kernel<LRN>(run_lrn)};
  return kernels;
}

}  // namespace tenon::ops
