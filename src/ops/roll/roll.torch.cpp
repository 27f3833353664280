// torch.roll: what leaves at one end comes in at the other.
#include <fmt/format.h>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace roll_lowering {

using lower::V;
using torch::LowerContext;

V* roll_axis(LowerContext& c, V* x, int64_t axis, const ir::Dim& shift) {
  const Sizes sizes = lower::sizes(c, x);
  if (static_cast<size_t>(axis) >= sizes.size()) return x;
  const ir::Dim& size = sizes[static_cast<size_t>(axis)];
  if (size.is(0)) return x;
  const ir::Dim start = size - mod(shift, size);
  if (start == size) return x;
  V* out = lower::concat(
      c, {lower::slice(c, x, axis, start, size), lower::slice(c, x, axis, 0, start)}, axis);
  if (!c.b.failed()) out->type.shape = sizes;
  return out;
}

V* roll(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes shifts = c.ints("shifts");
  const std::vector<int64_t> dims = c.constants("dims");
  const Sizes sizes = lower::sizes(c, x);
  if (dims.empty()) {
    if (shifts.size() != 1) return c.refuse("rolling the flattened tensor takes one shift");
    return lower::reshape(c, roll_axis(c, lower::reshape(c, x, {ir::product(sizes)}), 0, shifts[0]),
                          sizes);
  }
  if (shifts.size() != dims.size())
    return c.refuse(fmt::format("{} shifts for {} dimensions", shifts.size(), dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    const auto axis = lower::axis(c, dims[i], sizes.size());
    if (!axis) return nullptr;
    x = roll_axis(c, x, *axis, shifts[i]);
  }
  return x;
}

}  // namespace roll_lowering

std::span<const torch::Lowering> roll_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::roll", roll_lowering::roll}};
  return kAll;
}

}  // namespace tenon::ops
