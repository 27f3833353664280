// Reductions of neighbouring parts of a dimension, whose lengths or ends are given.
#include <limits>

#include "ops/common/lower_expr.h"
#include "ops/cumsum/cumsum.h"
#include "ops/scatter_elements/scatter_elements.h"

namespace tenon::ops {
namespace segment_reduce_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

struct Kind {
  const char* name;
  const char* reduction;  // ScatterElements'
  double neutral;
};
constexpr Kind kKinds[] = {{"sum", "add", 0},
                           {"mean", "add", 0},
                           {"prod", "mul", 1},
                           {"max", "max", -HUGE_VAL},
                           {"min", "min", HUGE_VAL}};

// Segments along the axis, which the segments' own tensor has as its last.
struct Segments {
  V* ends = nullptr;  // [batch..., segments]: where each ends
  V* lengths = nullptr;
  int64_t axis = 0;
  ir::Dim count;
};

std::optional<Segments> segments(LowerContext& c) {
  Segments out;
  if (c.has("lengths")) {
    out.lengths = c.b.cast(c.tensor("lengths"), DType::i64);
    out.axis = static_cast<int64_t>(lower::rank(c, out.lengths)) - 1;
    if (out.axis >= 0) out.ends = c.b.emit(CumSum{}, {out.lengths, c.b.scalar_int(out.axis)});
  } else if (c.has("offsets")) {
    V* offsets = c.b.cast(c.tensor("offsets"), DType::i64);
    out.axis = static_cast<int64_t>(lower::rank(c, offsets)) - 1;
    if (out.axis >= 0) {
      const ir::Dim n = lower::sizes(c, offsets).back();
      out.ends = lower::slice(c, offsets, out.axis, 1, n);
      out.lengths = lower::sub(c, out.ends, lower::slice(c, offsets, out.axis, 0, n - ir::Dim(1)));
    }
  }
  if (out.ends == nullptr) {
    c.refuse("the segments have neither lengths nor offsets");
    return std::nullopt;
  }
  out.count = lower::sizes(c, out.ends).back();
  return out;
}

// The segment of each element: how many end before it or at it, [batch..., elements].
V* numbers(LowerContext& c, const Segments& all, const ir::Dim& elements) {
  V* places = c.b.emit_named("Range", {c.b.scalar_int(0), c.b.dim(elements), c.b.scalar_int(1)});
  V* passed = c.b.emit_named(
      "LessOrEqual", {lower::unsqueeze(c, all.ends, {all.axis}), lower::unsqueeze(c, places, {1})});
  return lower::reduce(c, "ReduceSum", c.b.cast(passed, DType::i64), {all.axis + 1}, false);
}

V* segment_reduce(LowerContext& c) {
  V* x = c.tensor("data");
  const auto all = segments(c);
  if (!all) return nullptr;
  const std::string name = c.text("reduce");
  const Kind* kind = nullptr;
  for (const Kind& one : kKinds) {
    if (name == one.name) kind = &one;
  }
  if (kind == nullptr) return c.refuse("reduction '" + name + "' is not known");
  const Sizes sizes = lower::sizes(c, x);
  const auto axis = static_cast<size_t>(all->axis);
  if (sizes.size() <= axis) return c.refuse("the data has fewer dimensions than the segments");
  const double initial = c.has("initial") ? c.number("initial") : kind->neutral;
  // What belongs to no segment goes into one more.
  Sizes out_sizes = sizes;
  out_sizes[axis] = all->count + ir::Dim(1);
  V* start = lower::expand(c, lower::like(c, x, initial), out_sizes);
  std::vector<int64_t> inner;
  for (size_t i = axis + 1; i < sizes.size(); ++i) inner.push_back(static_cast<int64_t>(i));
  V* index = lower::expand(c, lower::unsqueeze(c, numbers(c, *all, sizes[axis]), inner), sizes);
  V* sums =
      c.b.emit(ScatterElements{.axis = all->axis, .reduction = kind->reduction}, {start, index, x});
  V* out = lower::slice(c, sums, all->axis, 0, all->count);
  if (name != "mean") return out;
  V* lengths = lower::unsqueeze(c, all->lengths, inner);
  V* empty = c.b.emit_named("Equal", {lengths, c.b.scalar_int(0)});
  V* mean = lower::div(c, out, c.b.cast(lengths, x->dtype()));
  V* none = c.has("initial") ? out : lower::like(c, x, std::numeric_limits<double>::quiet_NaN());
  return lower::where(c, empty, none, mean);
}

}  // namespace segment_reduce_lowering

std::span<const torch::Lowering> segment_reduce_torch() {
  using namespace segment_reduce_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::segment_reduce", segment_reduce}};
  return kAll;
}

}  // namespace tenon::ops
