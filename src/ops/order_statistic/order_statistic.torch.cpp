// Medians, quantiles and modes: what stands at a place of the ascending order.
#include <limits>

#include "ops/arg_reduce/arg_reduce.h"
#include "ops/common/lower_expr.h"
#include "ops/gather_elements/gather_elements.h"
#include "ops/topk/topk.h"

namespace tenon::ops {
namespace order_statistic_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

// The tensor that a statistic runs along: the dimension that is named, or all of them as one.
struct Line {
  V* x = nullptr;
  int64_t axis = 0;
  Sizes before;  // the tensor's own sizes
  bool named = false;
  ir::Dim size;
};

std::optional<Line> line(LowerContext& c) {
  Line out{.x = c.tensor("self"), .named = c.has("dim")};
  out.before = lower::sizes(c, out.x);
  if (!out.named || out.before.empty()) {
    if (out.named && !lower::axis(c, "dim", out.x)) return std::nullopt;
    out.size = ir::product(out.before);
    out.x = lower::reshape(c, out.x, {out.size});
    return out;
  }
  const auto axis = lower::axis(c, "dim", out.x);
  if (!axis) return std::nullopt;
  out.axis = *axis;
  out.size = out.before[static_cast<size_t>(*axis)];
  return out;
}

// A result that still has the dimension, with one element along it, as PyTorch gives it.
V* finished(LowerContext& c, const Line& at, V* result, bool keep) {
  if (at.before.empty()) return lower::reshape(c, result, {});
  if (!at.named)
    return keep ? lower::reshape(c, result, Sizes(at.before.size(), ir::Dim(1)))
                : lower::squeeze(c, result, {0});
  return keep ? result : lower::squeeze(c, result, {at.axis});
}
bool keepdim(LowerContext& c) { return c.has("keepdim") && c.flag("keepdim"); }

V* is_nan(LowerContext& c, V* x) {
  return is_floating(x->dtype()) ? c.b.emit_named("IsNaN", {x}) : nullptr;
}

struct Sorted {
  V *values, *places;
};
// Ascending, with what is not a number last (as infinity: no order of ONNX says where it goes).
Sorted sorted(LowerContext& c, const Line& at) {
  V* x = at.x;
  if (V* nan = is_nan(c, x)) x = lower::where(c, nan, lower::like(c, x, HUGE_VAL), x);
  const auto out =
      c.b.emit_n(TopK{.axis = at.axis, .largest = false}, {x, c.b.shape({{at.size}})}, 2);
  return {out[0], out[1]};
}

V* pick(LowerContext& c, const Line& at, V* from, V* place) {
  return c.b.emit(GatherElements{.axis = at.axis}, {from, place});
}
V* count_along(LowerContext& c, const Line& at, V* mask) {
  return lower::reduce(c, "ReduceSum", c.b.cast(mask, DType::i64), {at.axis}, true);
}
V* first_along(LowerContext& c, const Line& at, V* mask, bool last = false) {
  return c.b.emit(ArgMax{.axis = at.axis, .keepdims = true, .select_last_index = last},
                  {c.b.cast(mask, DType::i32)});
}

// --- medians: the lower of both middle elements

// The median alone, or with its place where a dimension is named.
V* given(LowerContext& c, const Line& at, V* place) {
  V* value = finished(c, at, pick(c, at, at.x, place), keepdim(c));
  return at.named ? c.give({value, finished(c, at, place, keepdim(c))}) : value;
}

// Where there is no number, the first place is one that holds none.
V* median(LowerContext& c) {
  const auto at = line(c);
  if (!at) return nullptr;
  if (at->size.is(0)) return c.refuse("there is no median of no elements");
  const ir::Dim middle = floordiv(at->size - ir::Dim(1), 2);
  V* place = lower::slice(c, sorted(c, *at).places, at->axis, middle, middle + ir::Dim(1));
  if (V* nan = is_nan(c, at->x)) {
    V* any = c.b.emit_named("Greater", {count_along(c, *at, nan), c.b.scalar_int(0)});
    place = lower::where(c, any, first_along(c, *at, nan), place);
  }
  return given(c, *at, place);
}

V* nanmedian(LowerContext& c) {
  const auto at = line(c);
  if (!at) return nullptr;
  V* nan = is_nan(c, at->x);
  if (nan == nullptr || at->size.is(0)) return median(c);
  V* numbers = count_along(c, *at, c.b.emit_named("Not", {nan}));
  V* zero = c.b.scalar_int(0);
  V* middle =
      lower::div(c, c.b.emit_named("Max", {lower::sub(c, numbers, c.b.scalar_int(1)), zero}),
                 c.b.scalar_int(2));
  return given(c, *at, pick(c, *at, sorted(c, *at).places, middle));
}

// --- quantiles

// Places between elements are rounded, or both neighbours are mixed.
V* quantile(LowerContext& c, bool ignore_nan) {
  auto at = line(c);
  if (!at) return nullptr;
  V* x = at->x;
  if (x->dtype() != DType::f32 && x->dtype() != DType::f64)
    return c.refuse("quantiles are of single or double precision numbers");
  if (at->size.is(0)) return c.refuse("there is no quantile of no elements");
  const std::string how = c.text("interpolation");
  if (how != "linear" && how != "lower" && how != "higher" && how != "midpoint" && how != "nearest")
    return c.refuse("interpolation '" + how + "' is not known");
  V* q = c.is_number("q") ? c.scalar("q", x->dtype()) : c.tensor("q");
  const size_t q_rank = lower::rank(c, q);
  if (q_rank > 1) return c.refuse("the quantiles are a vector or a single number");
  const auto rank = static_cast<int64_t>(lower::rank(c, x));
  // The dimension goes last, so that one of the quantiles can take its place.
  const auto order = lower::moved(static_cast<size_t>(rank), at->axis, rank - 1);
  Line rows{.x = lower::transpose(c, x, order), .axis = rank - 1, .size = at->size};
  V* nan = is_nan(c, rows.x);
  V* numbers = count_along(c, rows, c.b.emit_named("Not", {nan}));
  V* whole = lower::count(c, rows.x, {rows.axis}, DType::i64);
  V* last = lower::sub(c, ignore_nan ? numbers : lower::expand(c, whole, lower::sizes(c, numbers)),
                       c.b.scalar_int(1));
  if (q_rank == 0) q = lower::unsqueeze(c, q, {0});
  V* ranks = lower::mul(c, c.b.cast(last, x->dtype()), q);
  ranks = c.b.emit_named("Max", {ranks, lower::like(c, ranks, 0)});
  if (how == "lower") ranks = c.b.emit_named("Floor", {ranks});
  if (how == "higher") ranks = c.b.emit_named("Ceil", {ranks});
  if (how == "nearest") ranks = c.b.emit_named("Round", {ranks});
  V* values = sorted(c, rows).values;
  V* below = c.b.emit_named("Floor", {ranks});
  V* out = pick(c, rows, values, c.b.cast(below, DType::i64));
  if (how == "linear" || how == "midpoint") {
    V* above = pick(c, rows, values, c.b.cast(c.b.emit_named("Ceil", {ranks}), DType::i64));
    const Expr weight = how == "midpoint" ? Expr(0.5) : Expr(c, lower::sub(c, ranks, below));
    out = Expr(c, out).call("lerp", {Expr(c, above), weight}).result();
  }
  // Not a number: where there is any, or where there is nothing else.
  V* none = c.b.emit_named("Equal", {numbers, ignore_nan ? c.b.scalar_int(0) : whole});
  if (!ignore_nan) none = c.b.emit_named("Not", {none});
  out = lower::where(c, none, lower::like(c, out, std::numeric_limits<double>::quiet_NaN()), out);
  // [rest..., q] to [q, rest...], with the dimension that was taken away where it is to be kept.
  const auto last_axis = rank - 1;
  V* front = lower::transpose(c, out, lower::moved(static_cast<size_t>(rank), last_axis, 0));
  if (keepdim(c)) {
    Sizes kept = at->before;
    if (at->named && !kept.empty())
      kept[static_cast<size_t>(at->axis)] = 1;
    else
      kept.assign(kept.size(), ir::Dim(1));
    kept.insert(kept.begin(), lower::sizes(c, q)[0]);
    front = lower::reshape(c, front, kept);
  }
  return q_rank == 0 ? lower::squeeze(c, front, {0}) : front;
}
V* quantile_of_all(LowerContext& c) { return quantile(c, false); }
V* quantile_of_numbers(LowerContext& c) { return quantile(c, true); }

// --- the most frequent element: of several the smallest, at its last place

V* mode(LowerContext& c) {
  auto at = line(c);
  if (!at) return nullptr;
  const auto rank = static_cast<int64_t>(lower::rank(c, at->x));
  const bool truth = at->x->dtype() == DType::boolean;
  if (truth) at->x = c.b.cast(at->x, DType::i32);
  const auto order = lower::moved(static_cast<size_t>(rank), at->axis, rank - 1);
  Line rows{.x = lower::transpose(c, at->x, order), .axis = rank - 1, .size = at->size};
  V* equal = c.b.emit_named(
      "Equal", {lower::unsqueeze(c, rows.x, {rank}), lower::unsqueeze(c, rows.x, {rank - 1})});
  V* times = lower::reduce(c, "ReduceSum", c.b.cast(equal, DType::i64), {rank}, false);
  V* most = lower::reduce(c, "ReduceMax", times, {rank - 1}, true);
  V* frequent = c.b.emit_named("Equal", {times, most});
  // The smallest among them: the first of the ascending order that is frequent.
  const Sorted up = sorted(c, rows);
  V* first = first_along(c, rows, pick(c, rows, c.b.cast(frequent, DType::i32), up.places));
  V* value = pick(c, rows, rows.x, pick(c, rows, up.places, first));
  V* place = first_along(c, rows, c.b.emit_named("Equal", {rows.x, value}), true);
  auto back = [&](V* out) {
    return finished(c, *at, lower::transpose(c, out, lower::inverse(order)), keepdim(c));
  };
  return c.give({back(truth ? c.b.cast(value, DType::boolean) : value), back(place)});
}

}  // namespace order_statistic_lowering

std::span<const torch::Lowering> order_statistic_torch() {
  using namespace order_statistic_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::median", median},
      {"aten::median.dim", median},
      {"aten::nanmedian", nanmedian},
      {"aten::nanmedian.dim", nanmedian},
      {"aten::quantile", quantile_of_all},
      {"aten::quantile.scalar", quantile_of_all},
      {"aten::nanquantile", quantile_of_numbers},
      {"aten::nanquantile.scalar", quantile_of_numbers},
      {"aten::mode", mode},
  };
  return kAll;
}

}  // namespace tenon::ops
