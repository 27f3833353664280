#include "ops/reduce/reduce.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace reduce_lowering {

using lower::V;
using torch::LowerContext;
using Axes = std::vector<int64_t>;

constexpr char kSum[] = "ReduceSum", kProd[] = "ReduceProd", kMax[] = "ReduceMax",
               kMin[] = "ReduceMin";

bool keepdim(LowerContext& c) { return c.has("keepdim") && c.flag("keepdim"); }

// What sum() and prod() compute in: the type asked for, else i64 for integers and booleans.
V* accumulated(LowerContext& c, V* x) {
  if (auto type = c.dtype("dtype")) return c.b.cast(x, *type);
  return is_floating(x->dtype()) ? x : c.b.cast(x, DType::i64);
}

template <const char* op>
V* total(LowerContext& c) {
  V* x = accumulated(c, c.tensor("self"));
  const auto axes = lower::axes(c, "dim", x);
  return axes ? lower::reduce(c, op, x, *axes, keepdim(c)) : nullptr;
}

V* nan_as_zero(LowerContext& c, V* x) {
  return is_floating(x->dtype())
             ? lower::where(c, c.b.emit_named("IsNaN", {x}), lower::like(c, x, 0), x)
             : x;
}

V* nansum(LowerContext& c) {
  V* x = nan_as_zero(c, accumulated(c, c.tensor("self")));
  const auto axes = lower::axes(c, "dim", x);
  return axes ? lower::reduce(c, kSum, x, *axes, keepdim(c)) : nullptr;
}

V* mean(LowerContext& c) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype")) x = c.b.cast(x, *type);
  const auto axes = lower::axes(c, "dim", x);
  return axes ? lower::reduce(c, "ReduceMean", x, *axes, keepdim(c)) : nullptr;
}

V* nanmean(LowerContext& c) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype")) x = c.b.cast(x, *type);
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return nullptr;
  V* there = c.b.cast(c.b.emit_named("Not", {c.b.emit_named("IsNaN", {x})}), x->dtype());
  return lower::div(c, lower::reduce(c, kSum, nan_as_zero(c, x), *axes, keepdim(c)),
                    lower::reduce(c, kSum, there, *axes, keepdim(c)));
}

// ONNX's older opsets have no extreme of booleans: they take the way of small integers.
V* extreme(LowerContext& c, const char* op, V* x, const Axes& axes, bool keep) {
  if (x->dtype() != DType::boolean) return lower::reduce(c, op, x, axes, keep);
  return c.b.cast(lower::reduce(c, op, c.b.cast(x, DType::i32), axes, keep), DType::boolean);
}

template <const char* op>
V* extreme_over(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axes = lower::axes(c, "dim", x);
  return axes ? extreme(c, op, x, *axes, keepdim(c)) : nullptr;
}

V* place(LowerContext& c, bool maximum, V* x, int64_t axis, bool keep) {
  if (x->dtype() == DType::boolean) x = c.b.cast(x, DType::i32);
  return c.b.emit_with(
      maximum ? "ArgMax" : "ArgMin",
      {{"axis", axis}, {"keepdims", int64_t{keep ? 1 : 0}}, {"select_last_index", int64_t{0}}},
      {x});
}

// max(dim), min(dim): values and their places.
template <bool maximum>
V* extreme_with_place(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  const bool keep = keepdim(c);
  if (lower::rank(c, x) == 0) return c.give({x, c.b.scalar_int(0)});
  return c.give(
      {extreme(c, maximum ? kMax : kMin, x, {*axis}, keep), place(c, maximum, x, *axis, keep)});
}

V* aminmax(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return nullptr;
  return c.give({extreme(c, kMin, x, *axes, keepdim(c)), extreme(c, kMax, x, *axes, keepdim(c))});
}

// all() and any() give booleans, but uint8 for uint8.
template <const char* op>
V* logical(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return nullptr;
  const DType type = x->dtype() == DType::u8 ? DType::u8 : DType::boolean;
  V* truth = c.b.cast(c.b.cast(x, DType::boolean), DType::i32);
  return c.b.cast(lower::reduce(c, op, truth, *axes, keepdim(c)), type);
}

V* count_nonzero(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return nullptr;
  return lower::reduce(c, kSum, c.b.cast(c.b.cast(x, DType::boolean), DType::i64), *axes, false);
}

V* logsumexp(LowerContext& c) {
  V* x = lower::floating(c, c.tensor("self"));
  const auto axes = lower::axes(c, "dim", x);
  return axes ? lower::reduce(c, "ReduceLogSumExp", x, *axes, keepdim(c)) : nullptr;
}

// --- norms

V* norm_of(LowerContext& c, V* x, double p, const Axes& axes, bool keep) {
  return lower::vector_norm(c, lower::floating(c, x), p, axes, keep);
}

V* norm(LowerContext& c, std::string_view order) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype")) x = c.b.cast(x, *type);
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return nullptr;
  return norm_of(c, x, c.has(order) ? c.number(order) : 2, *axes, keepdim(c));
}
V* p_norm(LowerContext& c) { return norm(c, "p"); }
V* vector_norm(LowerContext& c) { return norm(c, "ord"); }
V* frobenius_norm(LowerContext& c) { return norm(c, "-"); }

// v * (g / |v|), the norm over all dimensions but one.
V* weight_norm(LowerContext& c) {
  V *v = c.tensor("v"), *g = c.tensor("g");
  int64_t dim = c.constant("dim");
  const size_t rank = lower::rank(c, v);
  Axes axes = lower::all_axes(rank);
  if (dim != -1) {
    const auto at = lower::axis(c, dim, rank);
    if (!at || rank == 0) return c.refuse("the weight has no such dimension");
    axes.erase(axes.begin() + *at);
  }
  V* y = lower::mul(c, v, lower::div(c, g, norm_of(c, v, 2, axes, true)));
  if (c.schema().returns.size() > 1) return c.give({y, norm_of(c, v, 2, axes, true)});
  return y;
}

// --- variance

struct Moments {
  V *mean, *variance;
};

std::optional<Moments> moments(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axes = lower::axes(c, "dim", x);
  if (!axes) return std::nullopt;
  double correction = 1;
  if (c.has("correction"))
    correction = c.number("correction");
  else if (c.has("unbiased"))
    correction = c.flag("unbiased") ? 1 : 0;
  const bool keep = keepdim(c);
  V* mean = lower::reduce(c, "ReduceMean", x, *axes, true);
  V* centred = lower::sub(c, x, mean);
  V* squares = lower::mul(c, centred, centred);
  V* variance = nullptr;
  if (correction == 0) {
    variance = lower::reduce(c, "ReduceMean", squares, *axes, keep);
  } else {
    V* degrees =
        lower::sub(c, lower::count(c, x, *axes, x->dtype()), lower::like(c, x, correction));
    degrees = c.b.emit_named("Max", {degrees, lower::like(c, x, 0)});
    variance = lower::div(c, lower::reduce(c, kSum, squares, *axes, keep), degrees);
  }
  return Moments{keep ? mean : lower::squeeze(c, mean, *axes), variance};
}

V* variance(LowerContext& c) {
  const auto m = moments(c);
  return m ? m->variance : nullptr;
}
V* deviation(LowerContext& c) {
  const auto m = moments(c);
  return m ? c.b.emit_named("Sqrt", {m->variance}) : nullptr;
}
V* variance_mean(LowerContext& c) {
  const auto m = moments(c);
  return m ? c.give({m->variance, m->mean}) : nullptr;
}
V* deviation_mean(LowerContext& c) {
  const auto m = moments(c);
  return m ? c.give({c.b.emit_named("Sqrt", {m->variance}), m->mean}) : nullptr;
}

// Sums away the dimensions that broadcasting to the tensor's shape would add or repeat.
V* sum_to_size(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes to = c.ints("size"), from = lower::sizes(c, x);
  if (to.size() > from.size()) return c.refuse("the size has more dimensions than the tensor");
  const size_t more = from.size() - to.size();
  Axes added, repeated;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i < more)
      added.push_back(static_cast<int64_t>(i));
    else if (to[i - more].is(1) && !from[i].is(1))
      repeated.push_back(static_cast<int64_t>(i));
    else if (!(to[i - more] == from[i]))
      return c.refuse("the size does not broadcast to the tensor's shape");
  }
  // To no dimensions PyTorch sums even where there is nothing to sum, in the type of sums.
  if (added.empty() && repeated.empty() && !to.empty()) return x;
  if (!is_floating(x->dtype())) x = c.b.cast(x, DType::i64);
  x = lower::reduce(c, kSum, x, repeated, true);
  return lower::reduce(c, kSum, x, added, false);
}

}  // namespace reduce_lowering

std::span<const torch::Lowering> reduce_torch() {
  using namespace reduce_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::sum_to_size", sum_to_size},
      {"aten::sum", total<kSum>},
      {"aten::sum.dim_IntList", total<kSum>},
      {"aten::prod", total<kProd>},
      {"aten::prod.dim_int", total<kProd>},
      {"aten::nansum", nansum},
      {"aten::mean", mean},
      {"aten::mean.dim", mean},
      {"aten::nanmean", nanmean},
      {"aten::amax", extreme_over<kMax>},
      {"aten::amin", extreme_over<kMin>},
      {"aten::max", extreme_over<kMax>},
      {"aten::min", extreme_over<kMin>},
      {"aten::max.dim", extreme_with_place<true>},
      {"aten::min.dim", extreme_with_place<false>},
      {"aten::aminmax", aminmax},
      {"aten::all", logical<kMin>},
      {"aten::all.dim", logical<kMin>},
      {"aten::all.dims", logical<kMin>},
      {"aten::any", logical<kMax>},
      {"aten::any.dim", logical<kMax>},
      {"aten::any.dims", logical<kMax>},
      {"aten::count_nonzero", count_nonzero},
      {"aten::count_nonzero.dim_IntList", count_nonzero},
      {"aten::logsumexp", logsumexp},
      {"aten::special_logsumexp", logsumexp},
      {"aten::norm.Scalar", p_norm},
      {"aten::norm.ScalarOpt_dim", p_norm},
      {"aten::norm.ScalarOpt_dim_dtype", p_norm},
      {"aten::norm.ScalarOpt_dtype", p_norm},
      {"aten::linalg_vector_norm", vector_norm},
      {"aten::frobenius_norm.dim", frobenius_norm},
      {"aten::_weight_norm", weight_norm},
      {"aten::_weight_norm_interface", weight_norm},
      {"aten::var", variance},
      {"aten::var.dim", variance},
      {"aten::var.correction", variance},
      {"aten::std", deviation},
      {"aten::std.dim", deviation},
      {"aten::std.correction", deviation},
      {"aten::var_mean", variance_mean},
      {"aten::var_mean.dim", variance_mean},
      {"aten::var_mean.correction", variance_mean},
      {"aten::std_mean", deviation_mean},
      {"aten::std_mean.dim", deviation_mean},
      {"aten::std_mean.correction", deviation_mean},
  };
  return kAll;
}

}  // namespace tenon::ops
