// Histograms: each element's bin is found among the edges, and the bins' contents are added up.
#include <fmt/format.h>

#include "ops/common/lower_expr.h"
#include "ops/scatter_elements/scatter_elements.h"

namespace tenon::ops {
namespace histogram_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

// The edges of one dimension's bins: n + 1 of them for n bins.
struct Edges {
  V* values = nullptr;
  ir::Dim bins;
};

std::optional<Edges> given_edges(LowerContext& c, V* edges) {
  const Sizes sizes = lower::sizes(c, edges);
  if (sizes.size() != 1) {
    c.refuse("the edges of the bins are no vector");
    return std::nullopt;
  }
  return Edges{edges, sizes[0] - ir::Dim(1)};
}

// Evenly from one number to another, counted from both ends, as linspace does.
V* even_edges(LowerContext& c, V* low, V* high, int64_t bins) {
  std::vector<double> up, down;
  std::vector<double> is_lower;
  for (int64_t i = 0; i <= bins; ++i) {
    up.push_back(static_cast<double>(i));
    down.push_back(static_cast<double>(bins - i));
    is_lower.push_back(i < (bins + 1) / 2 ? 1 : 0);
  }
  const DType type = low->dtype();
  V* step = lower::div(c, lower::sub(c, high, low), lower::like(c, low, static_cast<double>(bins)));
  V* from_low =
      lower::add(c, low, lower::mul(c, step, lower::float_table(c, up, {bins + 1}, type)));
  V* from_high =
      lower::sub(c, high, lower::mul(c, step, lower::float_table(c, down, {bins + 1}, type)));
  return lower::where(c, lower::float_table(c, is_lower, {bins + 1}, DType::boolean), from_low,
                      from_high);
}

// Where the range is empty, PyTorch widens it by one to each side.
std::pair<V*, V*> widened(LowerContext& c, V* low, V* high, double by) {
  V* same = c.b.emit_named("Equal", {low, high});
  V *less = lower::sub(c, low, lower::like(c, low, by)),
    *more = lower::add(c, high, lower::like(c, high, by));
  return {lower::where(c, same, less, low), lower::where(c, same, more, high)};
}

constexpr int64_t kMostBins = 1 << 20;

std::optional<Edges> counted_edges(LowerContext& c, V* low, V* high, int64_t bins, double widen) {
  if (bins < 1 || bins > kMostBins) {
    c.refuse(fmt::format("{} bins", bins));
    return std::nullopt;
  }
  const auto [from, to] = widened(c, low, high, widen);
  return Edges{even_edges(c, from, to, bins), ir::Dim(bins)};
}

struct Places {
  V* bin = nullptr;     // of each element, [n]
  V* inside = nullptr;  // whether it lies in one of the bins
};

// The last bin has its upper edge, the others do not.
Places find(LowerContext& c, V* x, const Edges& edges) {
  V *low = lower::slice(c, edges.values, 0, 0, 1),
    *high = lower::slice(c, edges.values, 0, edges.bins, edges.bins + ir::Dim(1));
  V* inside = c.b.emit_named("And", {c.b.emit_named("GreaterOrEqual", {x, low}),
                                     c.b.emit_named("LessOrEqual", {x, high})});
  V* passed = c.b.emit_named("LessOrEqual", {edges.values, lower::unsqueeze(c, x, {1})});
  V* count = lower::reduce(c, "ReduceSum", c.b.cast(passed, DType::i64), {1}, false);
  V* bin = c.b.emit_named(
      "Min", {lower::sub(c, count, c.b.scalar_int(1)), c.b.dim(edges.bins - ir::Dim(1))});
  return {bin, inside};
}

// Adds up the weights of the elements in each of `bins` bins; the others go into one more.
V* fill(LowerContext& c, const Places& at, const ir::Dim& bins, V* weights) {
  V* bin = lower::where(c, at.inside, at.bin, c.b.dim(bins));
  V* empty = lower::expand(c, lower::like(c, weights, 0), {bins + ir::Dim(1)});
  V* sums = c.b.emit(ScatterElements{.axis = 0, .reduction = "add"}, {empty, bin, weights});
  return lower::slice(c, sums, 0, 0, bins);
}

// --- histc: bins of one width, in the arithmetic that PyTorch uses for it

V* histc(LowerContext& c) {
  V* x = c.tensor("self");
  if (!is_floating(x->dtype())) return c.refuse("histc takes floating point numbers on the CPU");
  x = lower::reshape(c, x, {ir::product(lower::sizes(c, x))});
  const int64_t bins = c.constant("bins");
  if (bins < 1 || bins > kMostBins) return c.refuse(fmt::format("{} bins", bins));
  V *low = c.scalar("min", x->dtype()), *high = c.scalar("max", x->dtype());
  if (c.number("min") == c.number("max") && !lower::sizes(c, x)[0].is(0)) {
    low = lower::reduce(c, "ReduceMin", x, {0}, false);
    high = lower::reduce(c, "ReduceMax", x, {0}, false);
  }
  std::tie(low, high) = widened(c, low, high, 1);
  V* inside = c.b.emit_named("And", {c.b.emit_named("GreaterOrEqual", {x, low}),
                                     c.b.emit_named("LessOrEqual", {x, high})});
  V* scaled = lower::div(
      c, lower::mul(c, lower::sub(c, x, low), lower::like(c, x, static_cast<double>(bins))),
      lower::sub(c, high, low));
  // What lies outside may be no number that an integer holds.
  scaled = lower::where(c, inside, scaled, lower::like(c, x, 0));
  V* bin = c.b.emit_named("Min", {c.b.cast(scaled, DType::i64), c.b.scalar_int(bins - 1)});
  V* ones = lower::expand(c, lower::like(c, x, 1), lower::sizes(c, x));
  return fill(c, {bin, inside}, ir::Dim(bins), ones);
}

// --- histogram, histogramdd

// The edges of every dimension of points [n, dimensions].
std::optional<std::vector<Edges>> all_edges(LowerContext& c, V* points, int64_t dimensions) {
  std::vector<Edges> out;
  const std::vector<V*> given = c.value("bins").is<torch::TensorRef>()
                                    ? std::vector<V*>{c.tensor("bins")}
                                    : c.tensors("bins");
  if (!given.empty() && given[0] != nullptr) {
    for (V* edges : given) {
      const auto own = given_edges(c, c.b.cast(edges, points->dtype()));
      if (!own) return std::nullopt;
      out.push_back(*own);
    }
  } else {
    std::vector<int64_t> bins =
        c.value("bins").is<ir::Dim>() ? std::vector{c.constant("bins")} : c.constants("bins");
    if (bins.size() == 1) bins.resize(static_cast<size_t>(dimensions), bins[0]);
    const std::vector<double> range = c.has("range") ? c.numbers("range") : std::vector<double>{};
    if (!range.empty() && range.size() != 2 * bins.size()) {
      c.refuse("the range does not have two numbers for each dimension");
      return std::nullopt;
    }
    for (size_t i = 0; i < bins.size(); ++i) {
      V *low = nullptr, *high = nullptr;
      if (!range.empty()) {
        low = lower::like(c, points, range[2 * i]);
        high = lower::like(c, points, range[2 * i + 1]);
      } else if (lower::sizes(c, points)[0].is(0)) {
        low = lower::like(c, points, 0);
        high = lower::like(c, points, 1);
      } else {
        V* column = lower::gather(c, points, c.b.scalar_int(static_cast<int64_t>(i)), 1);
        low = lower::reduce(c, "ReduceMin", column, {0}, false);
        high = lower::reduce(c, "ReduceMax", column, {0}, false);
      }
      const auto own = counted_edges(c, low, high, bins[i], 0.5);
      if (!own) return std::nullopt;
      out.push_back(*own);
    }
  }
  if (static_cast<int64_t>(out.size()) != dimensions) {
    c.refuse("there are not as many bins as dimensions");
    return std::nullopt;
  }
  return out;
}

// Over the sum and each bin's volume.
V* as_density(LowerContext& c, V* counts, const std::vector<Edges>& edges) {
  V* out = lower::div(c, counts,
                      lower::reduce(c, "ReduceSum", counts, lower::all_axes(edges.size()), false));
  for (size_t i = 0; i < edges.size(); ++i) {
    V* widths = lower::sub(c, lower::slice(c, edges[i].values, 0, 1, edges[i].bins + ir::Dim(1)),
                           lower::slice(c, edges[i].values, 0, 0, edges[i].bins));
    Sizes shape(edges.size(), ir::Dim(1));
    shape[i] = edges[i].bins;
    out = lower::div(c, out, lower::reshape(c, widths, shape));
  }
  return out;
}

struct Histogram {
  V* counts = nullptr;
  std::vector<Edges> edges;
};

std::optional<Histogram> histogram_of(LowerContext& c, V* points, int64_t dimensions) {
  const auto edges = all_edges(c, points, dimensions);
  if (!edges) return std::nullopt;
  const ir::Dim n = lower::sizes(c, points)[0];
  Places all;
  ir::Dim whole = 1;
  Sizes shape;
  for (size_t i = 0; i < edges->size(); ++i) {
    V* column = lower::gather(c, points, c.b.scalar_int(static_cast<int64_t>(i)), 1);
    const Places own = find(c, column, (*edges)[i]);
    const ir::Dim& bins = (*edges)[i].bins;
    all.inside = all.inside ? c.b.emit_named("And", {all.inside, own.inside}) : own.inside;
    all.bin = all.bin ? lower::add(c, lower::mul(c, all.bin, c.b.dim(bins)), own.bin) : own.bin;
    whole = whole * bins;
    shape.push_back(bins);
  }
  V* weights = c.has("weight")
                   ? lower::reshape(c, c.b.cast(c.tensor("weight"), points->dtype()), {n})
                   : lower::expand(c, lower::like(c, points, 1), {n});
  V* counts = lower::reshape(c, fill(c, all, whole, weights), shape);
  if (c.flag("density")) counts = as_density(c, counts, *edges);
  return Histogram{counts, *edges};
}

V* histogram(LowerContext& c) {
  V* x = c.tensor("self");
  V* points = lower::reshape(c, x, {ir::product(lower::sizes(c, x)), 1});
  const auto out = histogram_of(c, points, 1);
  return out ? c.give({out->counts, out->edges[0].values}) : nullptr;
}

// Points along the last dimension.
std::optional<Histogram> of_points(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  const auto dimensions = sizes.empty() ? std::nullopt : sizes.back().constant();
  if (!dimensions || sizes.size() < 2) {
    c.refuse("the number of dimensions of the points is not known");
    return std::nullopt;
  }
  const ir::Dim n = ir::product(Sizes(sizes.begin(), sizes.end() - 1));
  return histogram_of(c, lower::reshape(c, x, {n, *dimensions}), *dimensions);
}
V* counts_of_points(LowerContext& c) {
  const auto out = of_points(c);
  return out ? out->counts : nullptr;
}
V* edges_of_points(LowerContext& c) {
  const auto out = of_points(c);
  if (!out) return nullptr;
  std::vector<V*> all;
  for (const Edges& edges : out->edges) all.push_back(edges.values);
  return c.give(std::move(all));
}

}  // namespace histogram_lowering

std::span<const torch::Lowering> histogram_torch() {
  using namespace histogram_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::histc", histc},
      {"aten::histogram.bin_ct", histogram},
      {"aten::histogram.bins_tensor", histogram},
      {"aten::_histogramdd_bin_edges", edges_of_points},
      {"aten::_histogramdd_from_bin_cts", counts_of_points},
      {"aten::_histogramdd_from_bin_tensors", counts_of_points},
  };
  return kAll;
}

}  // namespace tenon::ops
