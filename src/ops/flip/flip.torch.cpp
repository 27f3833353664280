// torch.flip: slices with step -1.
#include <limits>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace flip_lowering {

using lower::V;
using torch::LowerContext;

V* reversed(LowerContext& c, V* x, const std::vector<int64_t>& axes) {
  if (axes.empty()) return x;
  const size_t n = axes.size();
  const std::vector<int64_t> starts(n, -1), ends(n, std::numeric_limits<int64_t>::min() + 1),
      steps(n, -1);
  V* out = c.b.emit_named("Slice",
                          {x, c.b.ints(starts), c.b.ints(ends), c.b.ints(axes), c.b.ints(steps)});
  if (!c.b.failed()) out->type.shape = x->shape();
  return out;
}

V* flip(LowerContext& c) {
  V* x = c.tensor("self");
  const size_t rank = lower::rank(c, x);
  if (rank == 0 || c.constants("dims").empty()) return x;
  const auto axes = lower::axes(c, "dims", x);
  return axes ? reversed(c, x, *axes) : nullptr;
}
template <int64_t axis>
V* flip_one(LowerContext& c) {
  V* x = c.tensor("self");
  if (lower::rank(c, x) <= static_cast<size_t>(axis))
    return c.refuse("the tensor has too few dimensions");
  return reversed(c, x, {axis});
}

// Quarter turns in a plane.
V* rot90(LowerContext& c) {
  V* x = c.tensor("self");
  const int64_t turns = ((c.constant("k") % 4) + 4) % 4;
  const std::vector<int64_t> dims = c.constants("dims");
  const size_t rank = lower::rank(c, x);
  if (dims.size() != 2) return c.refuse("a rotation takes two dimensions");
  const auto a = lower::axis(c, dims[0], rank), b = lower::axis(c, dims[1], rank);
  if (!a || !b || rank < 2) return c.refuse("the tensor has too few dimensions");
  std::vector<int64_t> swap = lower::all_axes(rank);
  std::swap(swap[static_cast<size_t>(*a)], swap[static_cast<size_t>(*b)]);
  if (turns == 0) return x;
  if (turns == 1) return lower::transpose(c, reversed(c, x, {*b}), swap);
  if (turns == 2) return reversed(c, x, {*a, *b});
  return reversed(c, lower::transpose(c, x, swap), {*b});
}

}  // namespace flip_lowering

std::span<const torch::Lowering> flip_torch() {
  using namespace flip_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::flip", flip},
                                             {"aten::fliplr", flip_one<1>},
                                             {"aten::flipud", flip_one<0>},
                                             {"aten::rot90", rot90}};
  return kAll;
}

}  // namespace tenon::ops
