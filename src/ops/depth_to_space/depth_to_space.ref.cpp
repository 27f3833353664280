#include "ops/depth_to_space/depth_to_space.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// The input seen as `view`, its axes in the order `perm`, taken together as `dims`.
Status permute_view(RefContext& c, const Dims& view, std::span<const size_t> perm, Dims dims) {
  const Dims strides = strides_of(view);
  Dims from, sizes;
  for (size_t axis : perm) {
    sizes.push_back(view[axis]);
    from.push_back(strides[axis]);
  }
  c.outputs[0] = TRY(strided_copy(c, c.input(0), sizes, from)).reshaped(std::move(dims));
  return {};
}

Status run_depth_to_space(RefContext& c) {
  const auto op = c.as<DepthToSpace>();
  const Dims& x = c.input(0).shape();
  const int64_t b = op.blocksize;
  if (x.size() != 4 || b < 1 || x[1] % (b * b) != 0)
    return c.fail("the blocks do not divide the channels");
  const int64_t channels = x[1] / (b * b);
  Dims dims{x[0], channels, x[2] * b, x[3] * b};
  if (op.mode == "DCR") {
    constexpr size_t kPerm[] = {0, 3, 4, 1, 5, 2};
    return permute_view(c, {x[0], b, b, channels, x[2], x[3]}, kPerm, std::move(dims));
  }
  constexpr size_t kPerm[] = {0, 1, 4, 2, 5, 3};
  return permute_view(c, {x[0], channels, b, b, x[2], x[3]}, kPerm, std::move(dims));
}

Status run_space_to_depth(RefContext& c) {
  const auto op = c.as<SpaceToDepth>();
  const Dims& x = c.input(0).shape();
  const int64_t b = op.blocksize;
  if (x.size() != 4 || b < 1 || x[2] % b != 0 || x[3] % b != 0)
    return c.fail("the blocks do not divide the image");
  const Dims view{x[0], x[1], x[2] / b, b, x[3] / b, b};
  Dims dims{x[0], x[1] * b * b, x[2] / b, x[3] / b};
  if (op.mode == "DCR") {
    constexpr size_t kPerm[] = {0, 3, 5, 1, 2, 4};
    return permute_view(c, view, kPerm, std::move(dims));
  }
  constexpr size_t kPerm[] = {0, 1, 3, 5, 2, 4};
  return permute_view(c, view, kPerm, std::move(dims));
}

}  // namespace

std::span<const RefKernel> depth_to_space_ref() {
  static constexpr RefKernel kernels[] = {kernel<DepthToSpace>(run_depth_to_space),
                                          kernel<SpaceToDepth>(run_space_to_depth)};
  return kernels;
}

}  // namespace tenon::ops
