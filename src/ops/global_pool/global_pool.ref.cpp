#include "ops/global_pool/global_pool.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class F>
Status pool_planes(RefContext& c, F&& reduce) {
  TRY(need_computable(c));
  const Tensor& x = c.input(0);
  if (x.shape().size() < 2) return c.fail("the input has fewer than two dimensions");
  const int64_t planes = x.shape()[0] * x.shape()[1];
  const int64_t size = extent(x.shape(), 2, x.shape().size());
  const auto values = elements<double>(x);
  std::vector<double> out;
  for (int64_t i = 0; i < planes; ++i)
    out.push_back(reduce(
        std::span(values).subspan(static_cast<size_t>(i * size), static_cast<size_t>(size))));
  Dims dims = x.shape();
  std::fill(dims.begin() + 2, dims.end(), 1);
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

Status run_global_average_pool(RefContext& c) {
  return pool_planes(c, [](std::span<const double> plane) {
    return std::accumulate(plane.begin(), plane.end(), 0.0) / static_cast<double>(plane.size());
  });
}

Status run_global_max_pool(RefContext& c) {
  return pool_planes(c, [](std::span<const double> plane) {
    double best = -INFINITY;
    for (double v : plane) best = v > best || std::isnan(v) ? v : best;
    return best;
  });
}

}  // namespace

std::span<const RefKernel> global_pool_ref() {
  static constexpr RefKernel kernels[] = {kernel<GlobalAveragePool>(run_global_average_pool),
                                          kernel<GlobalMaxPool>(run_global_max_pool)};
  return kernels;
}

}  // namespace tenon::ops
