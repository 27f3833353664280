#include "ops/gather/gather.h"

#include "ops/common/lower.h"
#include "ops/gather_elements/gather_elements.h"

namespace tenon::ops {
namespace gather_lowering {

using lower::V;
using torch::LowerContext;

V* embedding(LowerContext& c) {
  return lower::gather(c, c.tensor("weight"), c.b.cast(c.tensor("indices"), DType::i64), 0);
}

V* index_select(LowerContext& c) {
  V *x = c.tensor("self"), *index = c.b.cast(c.tensor("index"), DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) == 0) return x;
  return lower::gather(c, x, lower::rank(c, index) == 0 ? lower::unsqueeze(c, index, {0}) : index,
                       *axis);
}

V* gather(LowerContext& c) {
  V *x = c.tensor("self"), *index = c.b.cast(c.tensor("index"), DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  const size_t rank = lower::rank(c, x), index_rank = lower::rank(c, index);
  if (rank == 0 && index_rank == 0) return x;
  if (rank == 0) x = lower::unsqueeze(c, x, {0});
  if (index_rank == 0)
    return lower::squeeze(
        c, c.b.emit(GatherElements{.axis = *axis}, {x, lower::unsqueeze(c, index, {0})}), {0});
  return c.b.emit(GatherElements{.axis = *axis}, {x, index});
}

// Like gather, but both broadcast in the other dimensions; without a dimension, in the flattened
// tensor.
V* take_along_dim(LowerContext& c) {
  V *x = c.tensor("self"), *index = c.b.cast(c.tensor("indices"), DType::i64);
  if (!c.has("dim")) {
    V* flat = lower::reshape(c, x, {ir::product(lower::sizes(c, x))});
    return lower::gather(c, flat, lower::reshape(c, index, {ir::product(lower::sizes(c, index))}),
                         0);
  }
  const auto axis = lower::axis(c, "dim", x);
  Sizes from = lower::sizes(c, x), at = lower::sizes(c, index);
  if (!axis || from.size() != at.size() || from.empty())
    return c.refuse("the ranks of tensor and indices differ");
  const auto i = static_cast<size_t>(*axis);
  const ir::Dim own = from[i], wanted = at[i];
  from[i] = at[i] = 1;
  auto common = lower::broadcast(c, {from, at});
  if (!common) return nullptr;
  (*common)[i] = own;
  x = lower::expand(c, x, *common);
  (*common)[i] = wanted;
  return c.b.emit(GatherElements{.axis = *axis}, {x, lower::expand(c, index, *common)});
}

V* take(LowerContext& c) {
  V* x = c.tensor("self");
  V* flat = lower::reshape(c, x, {ir::product(lower::sizes(c, x))});
  return lower::gather(c, flat, c.b.cast(c.tensor("index"), DType::i64), 0);
}

// Windows of a size at every step along a dimension; they become the last dimension.
V* unfold(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dimension", x);
  if (!axis) return nullptr;
  const Sizes sizes = lower::sizes(c, x);
  const int64_t size = c.constant("size"), step = c.constant("step");
  if (sizes.empty()) return c.refuse("the tensor has no dimensions");
  const auto whole = sizes[static_cast<size_t>(*axis)].constant();
  if (!whole)
    return c.refuse("the number of windows depends on the input",
                    "fix the dimension with --shapes");
  if (step <= 0 || size < 0 || size > *whole)
    return c.refuse("the windows do not fit the dimension");
  const int64_t windows = (*whole - size) / step + 1;
  if (windows * size > (int64_t{1} << 24)) return c.refuse("there are too many windows");
  std::vector<int64_t> places;
  for (int64_t w = 0; w < windows; ++w) {
    for (int64_t k = 0; k < size; ++k) places.push_back(w * step + k);
  }
  V* out = lower::gather(c, x, lower::int_table(c, places, {windows, size}), *axis);
  const size_t rank = sizes.size() + 1;
  return lower::transpose(c, out, lower::moved(rank, *axis + 1, static_cast<int64_t>(rank) - 1));
}

// The diagonal of two dimensions, as the last dimension.
V* diagonal(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  const int64_t offset = c.has("offset")     ? c.constant("offset")
                         : c.has("diagonal") ? c.constant("diagonal")
                                             : 0;
  const auto a = lower::axis(c, c.has("dim1") ? c.constant("dim1") : 0, sizes.size());
  const auto b = lower::axis(c, c.has("dim2") ? c.constant("dim2") : 1, sizes.size());
  if (!a || !b || sizes.size() < 2 || *a == *b) return c.refuse("a diagonal needs two dimensions");
  const auto rows = sizes[static_cast<size_t>(*a)].constant(),
             columns = sizes[static_cast<size_t>(*b)].constant();
  if (!rows || !columns)
    return c.refuse("the length of the diagonal depends on the input",
                    "fix the dimension with --shapes");
  std::vector<int64_t> order, places;
  for (int64_t i = 0; i < static_cast<int64_t>(sizes.size()); ++i) {
    if (i != *a && i != *b) order.push_back(i);
  }
  const auto rest = static_cast<int64_t>(order.size());
  order.push_back(*a);
  order.push_back(*b);
  for (int64_t i = 0; i < *rows; ++i) {
    if (i + offset >= 0 && i + offset < *columns) places.push_back(i * *columns + i + offset);
  }
  V* moved = lower::transpose(c, x, order);
  Sizes flat;
  for (int64_t i = 0; i < rest; ++i)
    flat.push_back(sizes[static_cast<size_t>(order[static_cast<size_t>(i)])]);
  flat.emplace_back(*rows * *columns);
  return lower::gather(c, lower::reshape(c, moved, flat),
                       lower::int_table(c, places, {static_cast<int64_t>(places.size())}), rest);
}

V* trace(LowerContext& c) {
  V* line = diagonal(c);
  if (c.refused()) return nullptr;
  if (!is_floating(line->dtype())) line = c.b.cast(line, DType::i64);
  return lower::reduce(c, "ReduceSum", line, {0}, false);
}

// cross(a, b): a[1]b[2] - a[2]b[1], and so on round.
V* cross(LowerContext& c) {
  const DType type = c.promoted({"self", "other"});
  V *a = c.operand("self", type), *b = c.operand("other", type);
  const auto common = lower::broadcast(c, {lower::sizes(c, a), lower::sizes(c, b)});
  if (!common) return nullptr;
  int64_t axis = -1;
  if (c.has("dim")) {
    const auto at = lower::axis(c, c.constant("dim"), common->size());
    if (!at) return nullptr;
    axis = *at;
  } else {
    for (size_t i = 0; i < common->size() && axis < 0; ++i) {
      if ((*common)[i].is(3)) axis = static_cast<int64_t>(i);
    }
  }
  if (axis < 0 || static_cast<size_t>(axis) >= common->size())
    return c.refuse("no dimension of three elements");
  a = lower::expand(c, a, *common);
  b = lower::expand(c, b, *common);
  V *next = c.b.ints({1, 2, 0}), *last = c.b.ints({2, 0, 1});
  return lower::sub(
      c, lower::mul(c, lower::gather(c, a, next, axis), lower::gather(c, b, last, axis)),
      lower::mul(c, lower::gather(c, a, last, axis), lower::gather(c, b, next, axis)));
}

}  // namespace gather_lowering

std::span<const torch::Lowering> gather_torch() {
  using namespace gather_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::embedding", embedding},
      {"aten::index_select", index_select},
      {"aten::gather", gather},
      {"aten::take_along_dim", take_along_dim},
      {"aten::take", take},
      {"aten::unfold", unfold},
      {"aten::unfold_copy", unfold},
      {"aten::diagonal", diagonal},
      {"aten::diagonal_copy", diagonal},
      {"aten::trace", trace},
      {"aten::cross", cross},
      {"aten::linalg_cross", cross},
  };
  return kAll;
}

}  // namespace tenon::ops
