#include "ops/depth_to_space/depth_to_space.h"

#include <fmt/format.h>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace depth_to_space_lowering {

using lower::V;
using torch::LowerContext;

// PyTorch takes any number of leading dimensions.
V* on_images(LowerContext& c, V* x, const std::function<V*(V*)>& f) {
  const Sizes sizes = lower::sizes(c, x);
  const size_t n = sizes.size();
  if (n < 3) return c.refuse(fmt::format("the input has {} dimensions, fewer than 3", n));
  if (n == 4) return f(x);
  Sizes flat{ir::product(std::span(sizes).first(n - 3)), sizes[n - 3], sizes[n - 2], sizes[n - 1]};
  V* y = f(lower::reshape(c, x, flat));
  const Sizes got = lower::sizes(c, y);
  if (got.size() != 4) return c.refuse("the result's rank is not known");
  Sizes out(sizes.begin(), sizes.end() - 3);
  out.insert(out.end(), got.begin() + 1, got.end());
  return lower::reshape(c, y, out);
}

V* pixel_shuffle(LowerContext& c) {
  const int64_t factor = c.constant("upscale_factor");
  return on_images(c, c.tensor("self"), [&](V* x) {
    return c.b.emit(DepthToSpace{.blocksize = factor, .mode = "CRD"}, {x});
  });
}

// SpaceToDepth in the column-major order is of the newest opset only; written out it goes
// everywhere.
V* pixel_unshuffle(LowerContext& c) {
  const int64_t r = c.constant("downscale_factor");
  if (r < 1) return c.refuse("the factor is not positive");
  return on_images(c, c.tensor("self"), [&](V* x) {
    const Sizes s = lower::sizes(c, x);
    const ir::Dim h = floordiv(s[2], r), w = floordiv(s[3], r);
    V* split =
        lower::transpose(c, lower::reshape(c, x, {s[0], s[1], h, r, w, r}), {0, 1, 3, 5, 2, 4});
    return lower::reshape(c, split, {s[0], s[1] * ir::Dim(r * r), h, w});
  });
}

V* channel_shuffle(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  const ir::Dim groups = c.integer("groups");
  if (sizes.size() < 3) return c.refuse("the input has fewer than three dimensions");
  Sizes split = sizes;
  split[1] = groups;
  split.insert(split.begin() + 2, floordiv(sizes[1], groups));
  std::vector<int64_t> order = lower::all_axes(split.size());
  std::swap(order[1], order[2]);
  return lower::reshape(c, lower::transpose(c, lower::reshape(c, x, split), order), sizes);
}

}  // namespace depth_to_space_lowering

std::span<const torch::Lowering> depth_to_space_torch() {
  using namespace depth_to_space_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::pixel_shuffle", pixel_shuffle},
      {"aten::pixel_unshuffle", pixel_unshuffle},
      {"aten::channel_shuffle", channel_shuffle},
      {"aten::native_channel_shuffle", channel_shuffle},
  };
  return kAll;
}

}  // namespace tenon::ops
