#include "ops/unique/unique.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// The tensor as `count` slices of the same size, one after the other.
template <class C>
struct Slices {
  std::vector<C> elements;
  int64_t count = 0, size = 1;
  std::span<const C> operator[](int64_t i) const {
    return std::span(elements).subspan(static_cast<size_t>(i * size), static_cast<size_t>(size));
  }
};

template <class C>
Slices<C> slices(const std::vector<C>& v, const Dims& dims, std::optional<size_t> axis) {
  if (!axis) return {v, static_cast<int64_t>(v.size()), 1};
  const int64_t n = dims[*axis], inner = extent(dims, *axis + 1, dims.size()),
                outer = extent(dims, 0, *axis);
  Slices<C> out{{}, n, outer * inner};
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t k = 0; k < inner; ++k)
        out.elements.push_back(v[static_cast<size_t>((o * n + i) * inner + k)]);
    }
  }
  return out;
}

// Not-a-numbers come last, each of its own.
template <class C>
bool is_less(C a, C b) {
  if constexpr (std::is_floating_point_v<C>) {
    if (std::isnan(b)) return !std::isnan(a);
  }
  return a < b;
}

struct Groups {
  std::vector<int64_t> first, inverse, counts;
};

template <class C>
Groups group(const Slices<C>& all, bool sorted) {
  std::vector<int64_t> order(static_cast<size_t>(all.count));
  std::iota(order.begin(), order.end(), 0);
  auto before = [&](int64_t a, int64_t b) {
    return std::lexicographical_compare(all[a].begin(), all[a].end(), all[b].begin(), all[b].end(),
                                        is_less<C>);
  };
  std::stable_sort(order.begin(), order.end(), before);
  Groups out;
  out.inverse.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const bool same = i > 0 && std::ranges::equal(all[order[i - 1]], all[order[i]]);
    if (!same) {
      out.first.push_back(order[i]);
      out.counts.push_back(0);
    }
    ++out.counts.back();
    out.inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(out.first.size()) - 1;
  }
  if (sorted) return out;
  // In the order in which they first stand in the tensor.
  std::vector<int64_t> by_place(out.first.size()), rank(out.first.size());
  std::iota(by_place.begin(), by_place.end(), 0);
  std::ranges::sort(by_place, {}, [&](int64_t g) { return out.first[static_cast<size_t>(g)]; });
  Groups moved;
  for (size_t i = 0; i < by_place.size(); ++i) {
    const auto g = static_cast<size_t>(by_place[i]);
    rank[g] = static_cast<int64_t>(i);
    moved.first.push_back(out.first[g]);
    moved.counts.push_back(out.counts[g]);
  }
  for (const int64_t g : out.inverse) moved.inverse.push_back(rank[static_cast<size_t>(g)]);
  return moved;
}

template <class C>
void unique(RefContext& c, std::optional<size_t> axis, bool sorted) {
  const Dims& dims = c.input(0).shape();
  const std::vector<C> v = elements<C>(c.input(0));
  const Groups groups = group(slices(v, dims, axis), sorted);
  const auto n = static_cast<int64_t>(groups.first.size());
  Dims out_dims = axis ? dims : Dims{n};
  if (axis) out_dims[*axis] = n;
  std::vector<C> out;
  const int64_t inner = axis ? extent(dims, *axis + 1, dims.size()) : 1,
                outer = axis ? extent(dims, 0, *axis) : 1, size = axis ? dims[*axis] : 0;
  for (int64_t o = 0; o < outer; ++o) {
    for (const int64_t from : groups.first) {
      for (int64_t k = 0; k < inner; ++k)
        out.push_back(v[static_cast<size_t>((o * size + from) * inner + k)]);
    }
  }
  c.outputs[0] = from_elements<C>(c.input(0).dtype(), out_dims, out);
  const std::vector<int64_t>* rest[] = {&groups.first, &groups.inverse, &groups.counts};
  for (size_t i = 1; i < c.outputs.size(); ++i) {
    const std::vector<int64_t>& values = *rest[i - 1];
    c.outputs[i] =
        from_elements<int64_t>(DType::i64, {static_cast<int64_t>(values.size())}, values);
  }
}

Status run_unique(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Unique>();
  std::optional<size_t> axis;
  if (op.axis) axis = TRY(axis_at(c, *op.axis, c.input(0).shape().size()));
  if (is_floating(c.input(0).dtype()))
    unique<double>(c, axis, op.sorted);
  else if (c.input(0).dtype() == DType::u64)
    unique<uint64_t>(c, axis, op.sorted);
  else
    unique<int64_t>(c, axis, op.sorted);
  return {};
}

}  // namespace

std::span<const RefKernel> unique_ref() {
  static constexpr RefKernel kernels[] = {kernel<Unique>(run_unique)};
  return kernels;
}

}  // namespace tenon::ops
