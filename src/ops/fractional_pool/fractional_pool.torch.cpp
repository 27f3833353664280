// Fractional max pooling (Graham 2014): windows of equal size whose places random numbers decide,
// which are given.
#include "ops/common/lower.h"
#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace fractional_pool_lowering {

using lower::V;
using torch::LowerContext;

struct Axis {
  ir::Dim in, out;
  int64_t kernel = 1;
};

// Where the windows along an axis begin, [batch, channels, out]: trunc((i + u) * a) - trunc(u * a)
// with a = (in - kernel) / (out - 1), in the input's own precision; the last ends where the axis
// does. u, [batch, channels, 1], is the axis's random number.
V* starts(LowerContext& c, const Axis& axis, V* u) {
  V* last = c.b.dim(axis.in - axis.kernel);
  V* i = lower::count_to(c, axis.out);
  const DType type = u->dtype();
  V* step = lower::div(c, c.b.cast(last, type), c.b.cast(c.b.dim(axis.out - 1), type));
  auto truncated = [&](V* x) { return c.b.cast(lower::mul(c, x, step), DType::i64); };
  V* at = lower::sub(c, truncated(lower::add(c, u, c.b.cast(i, type))), truncated(u));
  return lower::where(c, c.b.emit_named("Equal", {i, c.b.dim(axis.out - 1)}), last, at);
}

// Places of all elements of all windows within their plane: [batch, channels, windows, elements].
V* window_places(LowerContext& c, const std::vector<Axis>& axes, const std::vector<V*>& random,
                 const Sizes& batch) {
  const size_t rank = axes.size();
  V* places = nullptr;
  ir::Dim windows = 1, elements = 1;
  for (size_t d = 0; d < rank; ++d) {
    // [batch, channels, out] + [kernel], spread to [batch, channels, out.., kernel..]
    std::vector<int64_t> other;
    for (size_t i = 0; i < 2 * rank; ++i) {
      if (i != d && i != rank + d) other.push_back(static_cast<int64_t>(i + 2));
    }
    V* along = lower::add(c, lower::unsqueeze(c, starts(c, axes[d], random[d]), {3}),
                          lower::count_to(c, axes[d].kernel));
    along = lower::unsqueeze(c, along, other);
    places = places ? lower::add(c, lower::mul(c, places, c.b.dim(axes[d].in)), along) : along;
    windows = windows * axes[d].out;
    elements = elements * axes[d].kernel;
  }
  return lower::reshape(c, places, {batch[0], batch[1], windows, elements});
}

template <size_t rank>
V* fractional_max_pool(LowerContext& c) {
  const std::vector<int64_t> kernel = c.constants("kernel_size");
  const Sizes out = c.ints("output_size");
  V* samples = c.tensor("random_samples");
  return lower::batched(c, c.tensor("self"), rank + 2, [&](V* x) -> std::vector<V*> {
    const Sizes sizes = lower::sizes(c, x);
    if (kernel.size() != rank || out.size() != rank)
      return {c.refuse("the sizes of window and output do not fit the input")};
    std::vector<Axis> axes;
    std::vector<V*> random;
    for (size_t d = 0; d < rank; ++d) {
      axes.push_back({sizes[d + 2], out[d], kernel[d]});
      // In two dimensions the first random number is the width's, in three the depth's.
      const auto at = static_cast<int64_t>(rank == 2 ? 1 - d : d);
      random.push_back(lower::slice(c, c.b.cast(samples, x->dtype()), 2, at, at + 1));
    }
    const Sizes batch{sizes[0], sizes[1]};
    V* places = window_places(c, axes, random, batch);
    V* flat = lower::reshape(c, x, {sizes[0], sizes[1], ir::product(std::span(sizes).subspan(2))});
    auto at_places = [&](V* from, V* at) {
      const Sizes shape = lower::sizes(c, at);
      V* line = lower::reshape(c, at, {shape[0], shape[1], shape[2] * shape[3]});
      return lower::reshape(
          c, c.b.emit_with("GatherElements", {{"axis", int64_t{2}}}, {from, line}), shape);
    };
    V* windows = at_places(flat, places);
    Sizes pooled = batch;
    pooled.insert(pooled.end(), out.begin(), out.end());
    V* most = c.b.emit_with(
        "ArgMax",
        {{"axis", int64_t{3}}, {"keepdims", int64_t{1}}, {"select_last_index", int64_t{0}}},
        {windows});
    V* where = c.b.emit_with("GatherElements", {{"axis", int64_t{3}}}, {places, most});
    return {lower::reshape(c, lower::reduce(c, "ReduceMax", windows, {3}, false), pooled),
            lower::reshape(c, where, pooled)};
  });
}

}  // namespace fractional_pool_lowering

std::span<const torch::Lowering> fractional_pool_torch() {
  using namespace fractional_pool_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::fractional_max_pool2d", fractional_max_pool<2>},
      {"aten::fractional_max_pool3d", fractional_max_pool<3>},
  };
  return kAll;
}

}  // namespace tenon::ops
