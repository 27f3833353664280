// Integrals of samples by the trapezoid rule.
#include "ops/common/lower.h"
#include "ops/cumsum/cumsum.h"

namespace tenon::ops {
namespace trapezoid_lowering {

using lower::V;
using torch::LowerContext;

// Widths of the intervals along the axis: of x, which is a vector or broadcasts against y.
V* widths(LowerContext& c, V* x, int64_t axis, size_t rank) {
  const size_t own = lower::rank(c, x);
  if (own == 1) {
    std::vector<int64_t> others;
    for (int64_t i : lower::all_axes(rank)) {
      if (i != axis) others.push_back(i);
    }
    x = lower::unsqueeze(c, x, others);
  } else if (own < rank) {
    x = lower::unsqueeze(c, x, lower::all_axes(rank - own));
  } else if (own > rank) {
    c.refuse("x has more dimensions than y");
    return nullptr;
  }
  const ir::Dim size = lower::sizes(c, x)[static_cast<size_t>(axis)];
  return lower::sub(c, lower::slice(c, x, axis, 1, size),
                    lower::slice(c, x, axis, 0, size - ir::Dim(1)));
}

// What each interval adds: (left + right) * width / 2. Integers are divided as floats are, after the
// sum where widths are a tensor.
struct Areas {
  V* values;
  int64_t axis;
  bool halve;
};
std::optional<Areas> areas(LowerContext& c) {
  const bool spaced = c.has("x");
  V* y = c.tensor("y");
  const size_t rank = lower::rank(c, y);
  if (rank == 0) {
    c.refuse("y has no dimensions");
    return std::nullopt;
  }
  const auto axis = lower::axis(c, "dim", y);
  if (!axis) return std::nullopt;
  const DType type = spaced ? c.promoted({"y", "x"}) : LowerContext::floating(y->dtype());
  if (y->dtype() == DType::boolean || type == DType::boolean) {
    c.refuse("samples that are booleans");
    return std::nullopt;
  }
  if (spaced) y = c.b.cast(y, type);
  const ir::Dim size = lower::sizes(c, y)[static_cast<size_t>(*axis)];
  if (size.is(0)) return Areas{lower::floating(c, y), *axis, false};
  V* pairs = lower::add(c, lower::slice(c, y, *axis, 0, size - ir::Dim(1)),
                        lower::slice(c, y, *axis, 1, size));
  if (!spaced) {
    V* half = c.b.scalar(c.number("dx") / 2, type);
    return Areas{lower::mul(c, c.b.cast(pairs, type), half), *axis, false};
  }
  V* width = widths(c, c.b.cast(c.tensor("x"), type), *axis, rank);
  if (width == nullptr) return std::nullopt;
  V* products = lower::mul(c, pairs, width);
  if (!is_floating(type)) products = c.b.cast(products, DType::i64);  // as sums of integers are
  return Areas{products, *axis, true};
}

V* halved(LowerContext& c, V* x, bool halve) {
  x = lower::floating(c, x);
  return halve ? lower::div(c, x, lower::like(c, x, 2)) : x;
}

V* total(LowerContext& c) {
  const auto found = areas(c);
  if (!found) return nullptr;
  return halved(c, lower::reduce(c, "ReduceSum", found->values, {found->axis}, false),
                found->halve);
}
V* cumulative(LowerContext& c) {
  const auto found = areas(c);
  if (!found) return nullptr;
  return halved(c, c.b.emit(CumSum{}, {found->values, c.b.scalar_int(found->axis)}),
                found->halve);
}

}  // namespace trapezoid_lowering

std::span<const torch::Lowering> trapezoid_torch() {
  using namespace trapezoid_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::trapezoid.x", total},
      {"aten::trapezoid.dx", total},
      {"aten::trapz.x", total},
      {"aten::trapz.dx", total},
      {"aten::cumulative_trapezoid.x", cumulative},
      {"aten::cumulative_trapezoid.dx", cumulative},
  };
  return kAll;
}

}  // namespace tenon::ops
