#include "ops/gather_nd/gather_nd.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_gather_nd(RefContext& c) {
  const Tensor& x = c.input(0);
  const Dims &dims = x.shape(), &at = c.input(1).shape();
  const auto indices = TRY(integer_input(c, 1));
  const auto batch = static_cast<size_t>(c.as<GatherND>().batch_dims);
  if (at.empty() || batch >= at.size() || batch >= dims.size() || at.back() < 1 ||
      batch + static_cast<size_t>(at.back()) > dims.size() ||
      !std::equal(at.begin(), at.begin() + static_cast<ptrdiff_t>(batch), dims.begin()))
    return c.fail("the indices do not fit the data");
  const auto depth = static_cast<size_t>(at.back());
  const Dims strides = strides_of(dims);
  Dims out_dims(at.begin(), at.end() - 1);
  out_dims.insert(out_dims.end(), dims.begin() + static_cast<ptrdiff_t>(batch + depth), dims.end());
  const size_t size = TRY(element_size(c, x.dtype()));
  Tensor out = TRY(allocate(c, x.dtype(), out_dims));
  const auto block = static_cast<size_t>(extent(dims, batch + depth, dims.size())) * size;
  const size_t count = indices.size() / depth;
  const auto batches = static_cast<size_t>(extent(dims, 0, batch));
  const int64_t batch_stride = extent(dims, batch, dims.size());
  std::byte* to = out.mutable_bytes().data();
  for (size_t i = 0; i < count && block != 0; ++i, to += block) {
    int64_t from = static_cast<int64_t>(i / (count / batches)) * batch_stride;
    for (size_t d = 0; d < depth; ++d) {
      const int64_t index = indices[i * depth + d], n = dims[batch + d];
      if (index < -n || index >= n)
        return c.fail(fmt::format("index {} is outside an axis of size {}", index, n));
      from += (index < 0 ? index + n : index) * strides[batch + d];
    }
    std::memcpy(to, x.data() + static_cast<size_t>(from) * size, block);
  }
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> gather_nd_ref() {
  static constexpr RefKernel kernels[] = {kernel<GatherND>(run_gather_nd)};
  return kernels;
}

}  // namespace tenon::ops
