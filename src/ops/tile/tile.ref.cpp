#include "ops/tile/tile.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// Each axis becomes two, the repeats before the size, which a view with stride 0 repeats.
Status run_tile(RefContext& c) {
  const Tensor& x = c.input(0);
  const auto repeats = TRY(integer_input(c, 1));
  if (repeats.size() != x.shape().size()) return c.fail("the repeats do not fit the input");
  const Dims strides = strides_of(x.shape());
  Dims dims, view, from;
  for (size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0) return c.fail("a number of repeats is negative");
    int64_t size = 0;
    if (__builtin_mul_overflow(repeats[i], x.shape()[i], &size))
      return c.fail("the result is too large");
    dims.push_back(size);
    view.insert(view.end(), {repeats[i], x.shape()[i]});
    from.insert(from.end(), {0, strides[i]});
  }
  c.outputs[0] = TRY(strided_copy(c, x, view, from)).reshaped(dims);
  return {};
}

}  // namespace

std::span<const RefKernel> tile_ref() {
  static constexpr RefKernel kernels[] = {kernel<Tile>(run_tile)};
  return kernels;
}

}  // namespace tenon::ops
