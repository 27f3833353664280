// torch.gradient: derivatives of samples by finite differences.
#include <fmt/format.h>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace gradient_lowering {

using lower::V;
using torch::LowerContext;

// f at one end, or within: samples [from, from + count) along an axis; from the end where negative.
struct Samples {
  V* f;
  int64_t axis;
  ir::Dim size;

  V* range(LowerContext& c, const ir::Dim& from, const ir::Dim& to) const {
    return lower::slice(c, f, axis, from, to);
  }
  V* at(LowerContext& c, int64_t index) const {
    const ir::Dim place = index < 0 ? size + ir::Dim(index) : ir::Dim(index);
    return range(c, place, place + ir::Dim(1));
  }
};

// A sum of samples with weights, which are numbers or tensors.
V* combined(LowerContext& c, const std::vector<std::pair<V*, V*>>& terms) {
  V* sum = nullptr;
  for (const auto& [weight, sample] : terms) {
    V* term = lower::mul(c, sample, weight);
    sum = sum ? lower::add(c, sum, term) : term;
  }
  return sum;
}

// Samples at even distances. At the ends a one-sided difference of the first or second order.
V* even(LowerContext& c, const Samples& s, double dx, bool second) {
  auto number = [&](double value) { return lower::like(c, s.f, value); };
  V* inside = lower::div(
      c, lower::sub(c, s.range(c, 2, s.size), s.range(c, 0, s.size - ir::Dim(2))), number(2 * dx));
  V *before = nullptr, *after = nullptr;
  if (second) {
    before = combined(c, {{number(-1.5 / dx), s.at(c, 0)},
                          {number(2 / dx), s.at(c, 1)},
                          {number(-0.5 / dx), s.at(c, 2)}});
    after = combined(c, {{number(0.5 / dx), s.at(c, -3)},
                         {number(-2 / dx), s.at(c, -2)},
                         {number(1.5 / dx), s.at(c, -1)}});
  } else {
    before = lower::div(c, lower::sub(c, s.at(c, 1), s.at(c, 0)), number(dx));
    after = lower::div(c, lower::sub(c, s.at(c, -1), s.at(c, -2)), number(dx));
  }
  return lower::concat(c, {before, inside, after}, s.axis);
}

// Samples at coordinates: weights of the parabola through three neighbours.
V* uneven(LowerContext& c, const Samples& s, V* coordinates, bool second) {
  const ir::Dim one(1);
  std::vector<int64_t> others;
  for (int64_t i : lower::all_axes(lower::rank(c, s.f))) {
    if (i != s.axis) others.push_back(i);
  }
  const Samples x{lower::unsqueeze(c, c.b.cast(coordinates, s.f->dtype()), others), s.axis, s.size};
  const Samples d{lower::sub(c, x.range(c, 1, s.size), x.range(c, 0, s.size - one)), s.axis,
                  s.size - one};
  auto add = [&](V* a, V* b) { return lower::add(c, a, b); };
  auto mul = [&](V* a, V* b) { return lower::mul(c, a, b); };
  auto div = [&](V* a, V* b) { return lower::div(c, a, b); };
  auto minus = [&](V* a) { return c.b.emit_named("Neg", {a}); };
  auto twice = [&](V* a) { return lower::mul(c, a, lower::like(c, a, 2)); };
  V *l = d.range(c, 0, s.size - ir::Dim(2)), *r = d.range(c, 1, s.size - one), *both = add(l, r);
  V* inside = combined(c, {{div(minus(r), mul(l, both)), s.range(c, 0, s.size - ir::Dim(2))},
                           {div(lower::sub(c, r, l), mul(l, r)), s.range(c, 1, s.size - one)},
                           {div(l, mul(r, both)), s.range(c, 2, s.size)}});
  V *before = nullptr, *after = nullptr;
  if (second) {
    V *a = d.at(c, 0), *b = d.at(c, 1), *ab = add(a, b);
    before = combined(c, {{minus(div(add(twice(a), b), mul(a, ab))), s.at(c, 0)},
                          {div(ab, mul(a, b)), s.at(c, 1)},
                          {minus(div(a, mul(b, ab))), s.at(c, 2)}});
    V *p = d.at(c, -2), *q = d.at(c, -1), *pq = add(p, q);
    after = combined(c, {{div(q, mul(p, pq)), s.at(c, -3)},
                         {minus(div(pq, mul(p, q))), s.at(c, -2)},
                         {div(add(twice(q), p), mul(q, pq)), s.at(c, -1)}});
  } else {
    before = div(lower::sub(c, s.at(c, 1), s.at(c, 0)), d.at(c, 0));
    after = div(lower::sub(c, s.at(c, -1), s.at(c, -2)), d.at(c, -1));
  }
  return lower::concat(c, {before, inside, after}, s.axis);
}

// One derivative for each dimension given, or for all. The spacing is one number, or a number or a
// vector of coordinates for each.
V* gradient(LowerContext& c) {
  V* f = lower::floating(c, c.tensor("self"));
  const Sizes sizes = lower::sizes(c, f);
  std::vector<int64_t> dims = lower::all_axes(sizes.size());
  if (c.has("dim") && c.value("dim").is<ir::Dim>())
    dims = {c.constant("dim")};
  else if (c.has("dim"))
    dims = c.constants("dim");
  const int64_t order = c.constant("edge_order");
  if (order != 1 && order != 2) return c.refuse("the order at the edges is neither 1 nor 2");
  std::vector<double> steps(dims.size(), 1.0);
  std::vector<V*> coordinates;
  if (c.schema().overload.starts_with("tensor"))
    coordinates = c.tensors("spacing");
  else if (c.has("spacing") && c.is_number("spacing"))
    steps.assign(dims.size(), c.number("spacing"));
  else if (c.has("spacing"))
    steps = c.numbers("spacing");
  // Coordinates of one dimension, or a step, may serve all.
  if (coordinates.size() == 1) coordinates.resize(dims.size(), coordinates[0]);
  if (steps.size() != dims.size() || (!coordinates.empty() && coordinates.size() != dims.size()))
    return c.refuse(fmt::format("{} spacings for {} dimensions",
                                std::max(steps.size(), coordinates.size()), dims.size()));
  std::vector<V*> out;
  for (size_t i = 0; i < dims.size(); ++i) {
    const auto axis = lower::axis(c, dims[i], sizes.size());
    if (!axis) return nullptr;
    if (sizes.empty()) return c.refuse("the tensor has no dimensions");
    const Samples samples{f, *axis, sizes[static_cast<size_t>(*axis)]};
    if (const auto n = samples.size.constant(); n && *n < order + 1)
      return c.refuse("the dimension is too short for the order at the edges");
    out.push_back(coordinates.empty() ? even(c, samples, steps[i], order == 2)
                                      : uneven(c, samples, coordinates[i], order == 2));
    if (!c.b.failed()) out.back()->type.shape = sizes;
  }
  return c.give(out);
}

}  // namespace gradient_lowering

std::span<const torch::Lowering> gradient_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::gradient.*", gradient_lowering::gradient}};
  return kAll;
}

}  // namespace tenon::ops
