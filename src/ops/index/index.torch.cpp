// Indexing with tensors, PyTorch's rules: masks stand for the places where they are true; indices
// broadcast against each other; their common shape takes the place of the indexed dimensions where
// those are neighbours, and comes first where they are not.
#include <fmt/format.h>

#include "ops/common/lower.h"
#include "ops/gather_nd/gather_nd.h"
#include "ops/scatter_nd/scatter_nd.h"

namespace tenon::ops {
namespace index_lowering {

using lower::V;
using torch::LowerContext;

// Indices of integers, one for each indexed dimension; masks are resolved.
struct Plan {
  std::vector<std::pair<int64_t, V*>> indices;  // dimension, index of i64
  bool neighbours = true;
  Sizes common;  // the shape that they broadcast to
};

bool is_mask(V* index) { return index->dtype() == DType::boolean || index->dtype() == DType::u8; }

// The places where a mask is true, [n, rank].
V* places(LowerContext& c, V* mask) {
  V* nonzero = c.b.emit_named("NonZero", {c.b.cast(mask, DType::boolean)});
  return lower::transpose(c, nonzero, {1, 0});
}

std::optional<Plan> plan(LowerContext& c, size_t rank, const std::vector<V*>& given) {
  Plan out;
  int64_t dimension = 0;
  for (V* index : given) {
    if (index == nullptr) {
      ++dimension;
      continue;
    }
    if (is_mask(index)) {
      const size_t masked = lower::rank(c, index);
      if (masked == 0) {
        c.refuse("an index that is a single boolean",
                 "index with a mask of at least one dimension");
        return std::nullopt;
      }
      V* where = places(c, index);
      for (size_t i = 0; i < masked; ++i) {
        out.indices.emplace_back(
            dimension++, lower::gather(c, where, c.b.scalar_int(static_cast<int64_t>(i)), 1));
      }
    } else {
      out.indices.emplace_back(dimension++, c.b.cast(index, DType::i64));
    }
  }
  if (static_cast<size_t>(dimension) > rank) {
    c.refuse(fmt::format("{} indices for a tensor with {} dimensions", dimension, rank));
    return std::nullopt;
  }
  if (out.indices.empty()) return out;
  std::vector<Sizes> shapes;
  for (size_t i = 0; i < out.indices.size(); ++i) {
    out.neighbours =
        out.neighbours && out.indices[i].first == out.indices[0].first + static_cast<int64_t>(i);
    shapes.push_back(lower::sizes(c, out.indices[i].second));
  }
  const auto common = lower::broadcast(c, shapes);
  if (!common) return std::nullopt;
  out.common = *common;
  return out;
}

// The order that brings the indexed dimensions to the front.
std::vector<int64_t> to_front(const Plan& plan, size_t rank) {
  std::vector<bool> used(rank, false);
  std::vector<int64_t> order;
  for (const auto& [dimension, index] : plan.indices) {
    order.push_back(dimension);
    used[static_cast<size_t>(dimension)] = true;
  }
  for (size_t i = 0; i < rank; ++i) {
    if (!used[i]) order.push_back(static_cast<int64_t>(i));
  }
  return order;
}

// All indices as one tensor of coordinates, [common..., number of indexed dimensions].
V* coordinates(LowerContext& c, const Plan& plan) {
  std::vector<V*> columns;
  for (const auto& [dimension, index] : plan.indices) {
    columns.push_back(lower::unsqueeze(c, lower::expand(c, index, plan.common),
                                       {static_cast<int64_t>(plan.common.size())}));
  }
  return lower::concat(c, columns, static_cast<int64_t>(plan.common.size()));
}

// From [common..., rest...] to the common shape in the place of the indexed dimensions: the
// permutation.
std::vector<int64_t> into_place(const Plan& plan, size_t rank) {
  const size_t common = plan.common.size(), rest = rank - plan.indices.size();
  const auto before = plan.neighbours ? static_cast<size_t>(plan.indices[0].first) : 0;
  std::vector<int64_t> order;
  for (size_t i = 0; i < before; ++i) order.push_back(static_cast<int64_t>(common + i));
  for (size_t i = 0; i < common; ++i) order.push_back(static_cast<int64_t>(i));
  for (size_t i = before; i < rest; ++i) order.push_back(static_cast<int64_t>(common + i));
  return order;
}

V* index(LowerContext& c) {
  V* x = c.tensor("self");
  const size_t rank = lower::rank(c, x);
  const std::vector<V*> given = c.tensors("indices");
  // A mask alone in front: its places are coordinates already.
  if (!given.empty() && given[0] && is_mask(given[0]) && lower::rank(c, given[0]) > 0 &&
      lower::rank(c, given[0]) <= rank) {
    bool alone = true;
    for (size_t i = 1; i < given.size(); ++i) alone = alone && given[i] == nullptr;
    if (alone) return c.b.emit(GatherND{}, {x, places(c, given[0])});
  }
  const auto p = plan(c, rank, given);
  if (!p) return nullptr;
  if (p->indices.empty()) return x;
  if (p->indices.size() == 1) return lower::gather(c, x, p->indices[0].second, p->indices[0].first);
  V* front = lower::transpose(c, x, to_front(*p, rank));
  V* picked = c.b.emit(GatherND{}, {front, coordinates(c, *p)});
  return lower::transpose(c, picked, into_place(*p, rank));
}

V* index_put(LowerContext& c) {
  V *x = c.tensor("self"), *values = c.b.cast(c.tensor("values"), x->dtype());
  const Sizes sizes = lower::sizes(c, x);
  const std::vector<V*> given = c.tensors("indices");
  const bool accumulate = c.flag("accumulate");
  const auto single = ir::product(lower::sizes(c, values)).constant();
  if (!accumulate && given.size() == 1 && given[0] && is_mask(given[0]) && single == 1 &&
      lower::rank(c, given[0]) <= sizes.size()) {
    // One value wherever the mask is true.
    std::vector<int64_t> more;
    for (size_t i = lower::rank(c, given[0]); i < sizes.size(); ++i)
      more.push_back(static_cast<int64_t>(i));
    V* mask = lower::unsqueeze(c, c.b.cast(given[0], DType::boolean), more);
    return lower::where(c, mask, lower::reshape(c, values, {}), x);
  }
  const auto p = plan(c, sizes.size(), given);
  if (!p) return nullptr;
  if (p->indices.empty()) return lower::expand(c, values, sizes);
  const std::vector<int64_t> order = to_front(*p, sizes.size()),
                             placed = into_place(*p, sizes.size());
  Sizes front = p->common;  // [common..., rest...]
  for (size_t i = p->indices.size(); i < order.size(); ++i)
    front.push_back(sizes[static_cast<size_t>(order[i])]);
  Sizes target;  // as PyTorch sees x[indices]
  for (int64_t from : placed) target.push_back(front[static_cast<size_t>(from)]);
  V* updates = lower::transpose(c, lower::expand(c, values, target), lower::inverse(placed));
  ScatterND op;
  op.reduction = accumulate ? "add" : "none";
  V* scattered = c.b.emit(op, {lower::transpose(c, x, order), coordinates(c, *p), updates});
  return lower::transpose(c, scattered, lower::inverse(order));
}

V* masked_select(LowerContext& c) {
  V *x = c.tensor("self"), *mask = c.operand("mask", DType::boolean);
  const auto common = lower::broadcast(c, {lower::sizes(c, x), lower::sizes(c, mask)});
  if (!common) return nullptr;
  x = lower::expand(c, x, *common);
  mask = lower::expand(c, mask, *common);
  if (common->empty()) {
    x = lower::unsqueeze(c, x, {0});
    mask = lower::unsqueeze(c, mask, {0});
  }
  return c.b.emit(GatherND{}, {x, places(c, mask)});
}

// The mask's places take the source's elements one after the other.
V* masked_scatter(LowerContext& c) {
  V *x = c.tensor("self"), *mask = c.operand("mask", DType::boolean), *source = c.tensor("source");
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.empty()) return c.refuse("the tensor has no dimensions");
  V* where = places(c, lower::expand(c, mask, sizes));
  V* flat = lower::reshape(c, source, {ir::product(lower::sizes(c, source))});
  const Sizes rows = lower::sizes(c, where);
  if (rows.empty()) return c.refuse("the mask's rank is not known");
  return c.b.emit(ScatterND{}, {x, where, lower::slice(c, flat, 0, 0, rows[0])});
}

V* nonzero(LowerContext& c) {
  V* x = c.tensor("self");
  if (lower::rank(c, x) == 0) {
    V* found = c.b.emit_named("NonZero", {c.b.cast(lower::unsqueeze(c, x, {0}), DType::boolean)});
    return lower::slice(c, lower::transpose(c, found, {1, 0}), 1, 0, 0);
  }
  return places(c, x);
}

// One vector for each dimension.
V* nonzero_by_dimension(LowerContext& c) {
  V* x = c.tensor(c.schema().name == "aten::where" ? "condition" : "self");
  if (lower::rank(c, x) == 0) x = lower::unsqueeze(c, x, {0});
  const size_t rank = lower::rank(c, x);
  V* found = c.b.emit_named("NonZero", {c.b.cast(x, DType::boolean)});
  std::vector<V*> out;
  for (size_t i = 0; i < rank; ++i)
    out.push_back(lower::gather(c, found, c.b.scalar_int(static_cast<int64_t>(i)), 0));
  return c.give(std::move(out));
}

// So many of the places and no more; where there are fewer, the fill value.
V* nonzero_static(LowerContext& c) {
  V* x = c.tensor("self");
  const auto rank = static_cast<int64_t>(lower::rank(c, x));
  const ir::Dim size = c.integer("size");
  V* fill = lower::expand(c, c.scalar("fill_value", DType::i64), {size, rank});
  if (rank == 0) return fill;
  return lower::slice(c, lower::concat(c, {places(c, x), fill}, 0), 0, 0, size);
}

}  // namespace index_lowering

std::span<const torch::Lowering> index_torch() {
  using namespace index_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::index.Tensor", index},
      {"aten::index.Tensor_hacked_twin", index},
      {"aten::_unsafe_index.Tensor", index},
      {"aten::index_put", index_put},
      {"aten::index_put.hacked_twin", index_put},
      {"aten::_unsafe_index_put", index_put},
      {"aten::_index_put_impl", index_put},
      {"aten::masked_select", masked_select},
      {"aten::masked_scatter", masked_scatter},
      {"aten::nonzero", nonzero},
      {"aten::argwhere", nonzero},
      {"aten::nonzero_static", nonzero_static},
      {"aten::nonzero_numpy", nonzero_by_dimension},
      {"aten::where", nonzero_by_dimension},
  };
  return kAll;
}

}  // namespace tenon::ops
