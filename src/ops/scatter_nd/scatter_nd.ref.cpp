#include "ops/scatter_nd/scatter_nd.h"

#include "ops/common/ref_scatter.h"

namespace tenon::ops {
namespace {

Status run_scatter_nd(RefContext& c) {
  const Dims &dims = c.input(0).shape(), &at = c.input(1).shape();
  const auto indices = TRY(integer_input(c, 1));
  if (at.empty() || at.back() < 1 || at.back() > static_cast<int64_t>(dims.size()))
    return c.fail("the indices do not fit the data");
  const auto depth = static_cast<size_t>(at.back());
  const Dims strides = strides_of(dims);
  const int64_t block = extent(dims, depth, dims.size());
  if (c.input(2).count() != static_cast<int64_t>(indices.size() / depth) * block)
    return c.fail("the updates do not fit the indices");
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (size_t i = 0; i < indices.size() / depth; ++i) {
    int64_t base = 0;
    for (size_t d = 0; d < depth; ++d) {
      const int64_t index = indices[i * depth + d];
      if (index < -dims[d] || index >= dims[d])
        return c.fail(fmt::format("index {} is outside an axis of size {}", index, dims[d]));
      base += (index < 0 ? index + dims[d] : index) * strides[d];
    }
    for (int64_t j = 0; j < block; ++j)
      pairs.emplace_back(base + j, static_cast<int64_t>(i) * block + j);
  }
  return scatter_into(c, c.as<ScatterND>().reduction, pairs);
}

}  // namespace

std::span<const RefKernel> scatter_nd_ref() {
  static constexpr RefKernel kernels[] = {kernel<ScatterND>(run_scatter_nd)};
  return kernels;
}

}  // namespace tenon::ops
