// PyTorch's adaptive pooling: window i of n over a size s is [floor(i * s / n), ceil((i + 1) * s /
// n)).
#include "ops/global_pool/global_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/common/lower.h"
#include "ops/pool/pool.h"

namespace tenon::ops {
namespace global_pool_lowering {

using lower::V;
using torch::LowerContext;

int64_t window_begin(int64_t i, int64_t in, int64_t out) { return i * in / out; }
int64_t window_end(int64_t i, int64_t in, int64_t out) { return ((i + 1) * in + out - 1) / out; }

struct Target {
  std::vector<ir::Dim> in, out;
  bool all_one = true;
  std::optional<std::vector<int64_t>> kernel;  // where every size is a known multiple
};

std::optional<Target> target(LowerContext& c, V* x, size_t rank) {
  Target t;
  const Sizes sizes = lower::sizes(c, x);
  Sizes out = c.ints("output_size");
  if (out.size() == 1) out.resize(rank, out[0]);
  if (out.size() != rank || sizes.size() != rank + 2) {
    c.refuse(
        fmt::format("{} output sizes for an input with {} dimensions", out.size(), sizes.size()));
    return std::nullopt;
  }
  t.kernel.emplace();
  for (size_t i = 0; i < rank; ++i) {
    const ir::Dim &from = sizes[i + 2], &to = out[i];
    t.in.push_back(from);
    t.out.push_back(to);
    t.all_one = t.all_one && to.is(1);
    const auto f = from.constant(), o = to.constant();
    if (o && *o <= 0) {
      c.refuse("an output size is not positive");
      return std::nullopt;
    }
    if (t.kernel && f && o && *f % *o == 0 && *f > 0)
      t.kernel->push_back(*f / *o);
    else
      t.kernel.reset();
  }
  return t;
}

std::string unfit(const ir::Dim& in, const ir::Dim& out) {
  return fmt::format(
      "adaptive pooling from {} to {}: the windows differ in size and depend on the input",
      in.str(), out.str());
}

// One axis, by whichever exact means there is.
V* average_axis(LowerContext& c, V* x, int64_t axis, const ir::Dim& in, const ir::Dim& out) {
  if (in == out) return x;
  if (out.is(1)) return lower::reduce(c, "ReduceMean", x, {axis}, true);
  const ir::Dim each = floordiv(in, out);
  if (each * out == in) {
    Sizes split = lower::sizes(c, x);
    split[static_cast<size_t>(axis)] = out;
    split.insert(split.begin() + axis + 1, each);
    return lower::reduce(c, "ReduceMean", lower::reshape(c, x, split), {axis + 1}, false);
  }
  const auto n = in.constant(), m = out.constant();
  if (!n || !m || *n * *m > (int64_t{1} << 24))
    return c.refuse(unfit(in, out), "fix the dimension with --shapes");
  // A matrix product with the windows' weights.
  std::vector<double> weights(static_cast<size_t>(*n * *m), 0.0);
  for (int64_t i = 0; i < *m; ++i) {
    const int64_t begin = window_begin(i, *n, *m), end = window_end(i, *n, *m);
    for (int64_t k = begin; k < end; ++k)
      weights[static_cast<size_t>(k * *m + i)] = 1.0 / static_cast<double>(end - begin);
  }
  V* matrix = lower::float_table(c, weights, {*n, *m}, x->dtype());
  const auto last = static_cast<int64_t>(lower::rank(c, x)) - 1;
  const auto order = lower::moved(static_cast<size_t>(last + 1), axis, last);
  V* y = lower::matmul(c, lower::transpose(c, x, order), matrix);
  return lower::transpose(c, y, lower::inverse(order));
}

// The maximum of one axis and no indices: windows are gathered at equal length, their last element
// repeated.
V* maximum_axis(LowerContext& c, V* x, int64_t axis, const ir::Dim& in, const ir::Dim& out) {
  if (in == out) return x;
  if (out.is(1)) return lower::reduce(c, "ReduceMax", x, {axis}, true);
  const auto n = in.constant(), m = out.constant();
  if (!n || !m || *n < 1 || *m > (int64_t{1} << 20))
    return c.refuse(unfit(in, out), "fix the dimension with --shapes");
  int64_t longest = 0;
  for (int64_t i = 0; i < *m; ++i)
    longest = std::max(longest, window_end(i, *n, *m) - window_begin(i, *n, *m));
  if (longest > (int64_t{1} << 24) / std::max<int64_t>(*m, 1))
    return c.refuse(unfit(in, out), "fix the dimension with --shapes");
  std::vector<int64_t> places;
  for (int64_t i = 0; i < *m; ++i) {
    for (int64_t k = 0; k < longest; ++k) {
      places.push_back(std::min(window_begin(i, *n, *m) + k, window_end(i, *n, *m) - 1));
    }
  }
  V* windows = lower::gather(c, x, lower::int_table(c, places, {*m, longest}), axis);
  return lower::reduce(c, "ReduceMax", windows, {axis + 1}, false);
}

// Where the maxima are in their planes, of the windows of all axes at once: places of their
// elements come from a table, in which short windows repeat their last element, so that the first
// maximum is found first. Null where the windows depend on data or are too many.
V* maximum_places(LowerContext& c, V* x, const Target& t) {
  struct Windows {
    int64_t in, out, longest;
  };
  std::vector<Windows> axes;
  int64_t count = 1, elements = 1;
  for (size_t i = 0; i < t.in.size(); ++i) {
    const auto n = t.in[i].constant(), m = t.out[i].constant();
    if (!n || !m || *n < 1 || *m > (int64_t{1} << 20)) return nullptr;
    int64_t longest = 0;
    for (int64_t k = 0; k < *m; ++k)
      longest = std::max(longest, window_end(k, *n, *m) - window_begin(k, *n, *m));
    axes.push_back({*n, *m, longest});
    count *= *m;
    elements *= longest;
    if (count * elements > (int64_t{1} << 24)) return nullptr;
  }
  std::vector<int64_t> places;
  places.reserve(static_cast<size_t>(count * elements));
  for (int64_t at = 0; at < count * elements; ++at) {
    int64_t window = at / elements, element = at % elements, stride = 1, place = 0;
    for (size_t i = axes.size(); i-- > 0;) {
      const auto [in, out, longest] = axes[i];
      const int64_t k = window % out, e = element % longest;
      place += stride * std::min(window_begin(k, in, out) + e, window_end(k, in, out) - 1);
      window /= out;
      element /= longest;
      stride *= in;
    }
    places.push_back(place);
  }
  const Sizes sizes = lower::sizes(c, x);
  V* flat = lower::reshape(c, x, {sizes[0], sizes[1], ir::product(t.in)});
  V* windows = lower::gather(c, flat, lower::int_table(c, places, {count, elements}), 2);
  V* most = c.b.emit_with(
      "ArgMax", {{"axis", int64_t{3}}, {"keepdims", int64_t{0}}, {"select_last_index", int64_t{0}}},
      {windows});
  std::vector<int64_t> first;
  for (int64_t k = 0; k < count; ++k) first.push_back(k * elements);
  V* at = lower::add(c, most, lower::int_table(c, first, {count}));
  V* found = lower::gather(c, lower::int_table(c, places, {count * elements}), at, 0);
  Sizes whole{sizes[0], sizes[1]};
  whole.insert(whole.end(), t.out.begin(), t.out.end());
  return lower::reshape(c, found, whole);
}

template <size_t rank>
V* average(LowerContext& c) {
  return lower::batched(c, c.tensor("self"), rank + 2, [&](V* x) -> std::vector<V*> {
    const auto t = target(c, x, rank);
    if (!t) return {nullptr};
    if (t->in == t->out) return {x};
    if (t->all_one) return {c.b.emit(GlobalAveragePool{}, {x})};
    if (t->kernel) {
      AveragePool op;
      op.kernel_shape = op.strides = *t->kernel;
      op.dilations.assign(rank, 1);
      op.pads.assign(2 * rank, 0);
      return {c.b.emit(op, {x})};
    }
    for (size_t i = 0; i < rank && !c.refused(); ++i) {
      x = average_axis(c, x, static_cast<int64_t>(i + 2), t->in[i], t->out[i]);
    }
    return {x};
  });
}

template <size_t rank>
V* maximum(LowerContext& c) {
  return lower::batched(c, c.tensor("self"), rank + 2, [&](V* x) -> std::vector<V*> {
    const auto t = target(c, x, rank);
    if (!t) return {nullptr, nullptr};
    const Sizes sizes = lower::sizes(c, x);
    if (t->all_one) {
      V* flat = lower::reshape(c, x, {sizes[0], sizes[1], ir::product(t->in)});
      V* place = c.b.emit_with(
          "ArgMax",
          {{"axis", int64_t{2}}, {"keepdims", int64_t{1}}, {"select_last_index", int64_t{0}}},
          {flat});
      std::vector<int64_t> more;
      for (size_t i = 3; i < rank + 2; ++i) more.push_back(static_cast<int64_t>(i));
      return {c.b.emit(GlobalMaxPool{}, {x}), lower::unsqueeze(c, place, more)};
    }
    if (t->kernel) {
      MaxPool op;
      op.kernel_shape = op.strides = *t->kernel;
      op.dilations.assign(rank, 1);
      op.pads.assign(2 * rank, 0);
      const std::vector<V*> out = c.b.emit_n(op, {x}, 2);
      return {out[0],
              c.b.emit_with("Mod", {{"fmod", int64_t{0}}}, {out[1], c.b.dim(ir::product(t->in))})};
    }
    V* places = maximum_places(c, x, *t);
    for (size_t i = 0; i < rank && !c.refused(); ++i) {
      x = maximum_axis(c, x, static_cast<int64_t>(i + 2), t->in[i], t->out[i]);
    }
    return {x, places};
  });
}

}  // namespace global_pool_lowering

std::span<const torch::Lowering> global_pool_torch() {
  using namespace global_pool_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::adaptive_avg_pool1d", average<1>},  {"aten::adaptive_avg_pool2d", average<2>},
      {"aten::_adaptive_avg_pool2d", average<2>}, {"aten::adaptive_avg_pool3d", average<3>},
      {"aten::_adaptive_avg_pool3d", average<3>}, {"aten::adaptive_max_pool1d", maximum<1>},
      {"aten::adaptive_max_pool2d", maximum<2>},  {"aten::adaptive_max_pool3d", maximum<3>},
  };
  return kAll;
}

}  // namespace tenon::ops
