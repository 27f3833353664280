#include "ops/tile/tile.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace tile_lowering {

using lower::V;
using torch::LowerContext;

V* tiled(LowerContext& c, V* x, Sizes repeats) {
  const size_t rank = lower::rank(c, x);
  if (repeats.size() < rank) repeats.insert(repeats.begin(), rank - repeats.size(), ir::Dim(1));
  std::vector<int64_t> leading;
  for (size_t i = 0; i < repeats.size() - rank; ++i) leading.push_back(static_cast<int64_t>(i));
  x = lower::unsqueeze(c, x, leading);
  bool alone = true;
  for (const ir::Dim& r : repeats) alone = alone && r.is(1);
  return alone ? x : c.b.emit(Tile{}, {x, c.b.shape(repeats)});
}

V* repeat(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes repeats = c.ints("repeats");
  if (repeats.size() < lower::rank(c, x))
    return c.refuse("there are fewer repeats than dimensions");
  return tiled(c, x, repeats);
}
V* tile(LowerContext& c) { return tiled(c, c.tensor("self"), c.ints("dims")); }

// Every element several times in a row.
V* repeat_interleave(LowerContext& c) {
  V* x = c.tensor("self");
  if (!c.has("dim")) x = lower::reshape(c, x, {ir::product(lower::sizes(c, x))});
  const auto axis = c.has("dim") ? lower::axis(c, "dim", x) : std::optional<int64_t>(0);
  if (!axis) return nullptr;
  Sizes sizes = lower::sizes(c, x);
  if (sizes.empty()) return c.refuse("the tensor has no dimensions");
  const auto i = static_cast<size_t>(*axis);
  const ir::Dim times = c.integer("repeats");
  Sizes spread = sizes;
  spread.insert(spread.begin() + *axis + 1, times);
  sizes[i] = sizes[i] * times;
  return lower::reshape(c, lower::expand(c, lower::unsqueeze(c, x, {*axis + 1}), spread), sizes);
}

// A number of times of its own for each: element j comes from the first i whose running total
// exceeds j.
V* repeat_by(LowerContext& c, V* x, V* repeats, int64_t axis) {
  repeats = c.b.cast(repeats, DType::i64);
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.empty()) return c.refuse("the tensor has no dimensions");
  repeats =
      lower::expand(c, lower::rank(c, repeats) == 0 ? lower::unsqueeze(c, repeats, {0}) : repeats,
                    {sizes[static_cast<size_t>(axis)]});
  V* totals = c.b.emit_with("CumSum", {{"exclusive", int64_t{0}}, {"reverse", int64_t{0}}},
                            {repeats, c.b.scalar_int(0)});
  V* total = lower::reduce(c, "ReduceSum", repeats, {0}, false);
  V* positions = c.b.emit_with("Range", {{"stash_type", int64_t{1}}},
                               {c.b.scalar_int(0), total, c.b.scalar_int(1)});
  V* passed = c.b.emit_named(
      "LessOrEqual", {lower::unsqueeze(c, totals, {0}), lower::unsqueeze(c, positions, {1})});
  V* from = lower::reduce(c, "ReduceSum", c.b.cast(passed, DType::i64), {1}, false);
  return lower::gather(c, x, from, axis);
}
V* repeat_each(LowerContext& c) {
  V* x = c.tensor("self");
  if (!c.has("dim")) x = lower::reshape(c, x, {ir::product(lower::sizes(c, x))});
  const auto axis = c.has("dim") ? lower::axis(c, "dim", x) : std::optional<int64_t>(0);
  return axis ? repeat_by(c, x, c.tensor("repeats"), *axis) : nullptr;
}
V* repeated_places(LowerContext& c) {
  V* repeats = c.tensor("repeats");
  const Sizes sizes = lower::sizes(c, repeats);
  if (sizes.size() != 1) return c.refuse("the repeats are no vector");
  V* places = c.b.emit_with("Range", {{"stash_type", int64_t{1}}},
                            {c.b.scalar_int(0), c.b.dim(sizes[0]), c.b.scalar_int(1)});
  if (!c.b.failed()) places->type.shape = sizes;
  return repeat_by(c, places, repeats, 0);
}

}  // namespace tile_lowering

std::span<const torch::Lowering> tile_torch() {
  using namespace tile_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::repeat", repeat},
      {"aten::tile", tile},
      {"aten::repeat_interleave.self_int", repeat_interleave},
      {"aten::repeat_interleave.self_Tensor", repeat_each},
      {"aten::repeat_interleave.Tensor", repeated_places},
  };
  return kAll;
}

}  // namespace tenon::ops
