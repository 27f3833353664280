// Choices from vectors: combinations of one's elements, tuples of several's.
#include "ops/common/lower.h"

namespace tenon::ops {
namespace combinations_lowering {

using lower::V;
using torch::LowerContext;

// A table of this many places is as large as one should become.
constexpr size_t kMostPlaces = size_t{1} << 22;

// All ascending choices of r of the places 0 .. n - 1, one after the other; each place at most once
// unless `repeats`. Nothing where they are too many.
std::optional<std::vector<int64_t>> choices(int64_t n, int64_t r, bool repeats) {
  std::vector<int64_t> out;
  std::vector<int64_t> now(static_cast<size_t>(r));
  for (int64_t i = 0; i < r; ++i) now[static_cast<size_t>(i)] = repeats ? 0 : i;
  if (n == 0 || (!repeats && r > n)) return out;
  for (;;) {
    out.insert(out.end(), now.begin(), now.end());
    if (out.size() > kMostPlaces) return std::nullopt;
    // The last place that can still move on does, and those after it follow.
    int64_t i = r - 1;
    while (i >= 0 && now[static_cast<size_t>(i)] == (repeats ? n - 1 : n - r + i)) --i;
    if (i < 0) return out;
    ++now[static_cast<size_t>(i)];
    for (int64_t k = i + 1; k < r; ++k)
      now[static_cast<size_t>(k)] = now[static_cast<size_t>(k - 1)] + (repeats ? 0 : 1);
  }
}

V* combinations(LowerContext& c) {
  V* x = c.tensor("self");
  const int64_t r = c.constant("r");
  if (lower::rank(c, x) != 1 || r < 0) return c.refuse("the input is no vector");
  if (r == 0) return c.b.constant(Tensor::zeros(x->dtype(), {0}));
  const auto n = lower::sizes(c, x)[0].constant();
  if (!n)
    return c.refuse("the number of combinations depends on the input",
                    "fix the dimension with --shapes");
  const auto places = choices(*n, r, c.flag("with_replacement"));
  if (!places) return c.refuse("there are too many combinations");
  const auto count = static_cast<int64_t>(places->size()) / r;
  return lower::gather(c, x, lower::int_table(c, *places, {count, r}), 0);
}

// Every tuple of one element of each: the last one changes fastest.
V* product(LowerContext& c) {
  const std::vector<V*> all = c.tensors("tensors");
  Sizes grid;
  for (V* one : all) {
    if (lower::rank(c, one) != 1) return c.refuse("an input is no vector");
    if (one->dtype() != all[0]->dtype()) return c.refuse("the vectors differ in their types");
    grid.push_back(lower::sizes(c, one)[0]);
  }
  if (all.empty()) return c.refuse("there are no vectors");
  if (all.size() == 1) return all[0];
  std::vector<V*> columns;
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<int64_t> others;
    for (int64_t axis : lower::all_axes(all.size())) {
      if (static_cast<size_t>(axis) != i) others.push_back(axis);
    }
    V* spread = lower::expand(c, lower::unsqueeze(c, all[i], others), grid);
    columns.push_back(lower::reshape(c, spread, {ir::product(grid), 1}));
  }
  return lower::concat(c, columns, 1);
}

}  // namespace combinations_lowering

std::span<const torch::Lowering> combinations_torch() {
  using namespace combinations_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::combinations", combinations},
      {"aten::cartesian_prod", product},
  };
  return kAll;
}

}  // namespace tenon::ops
