#include "ops/gather/gather.h"

#include "ops/common/lower.h"
#include "ops/gather_elements/gather_elements.h"
#include "ops/slice/slice.h"

namespace tenon::ops {
namespace gather_lowering {

using lower::V;
using torch::LowerContext;

V* embedding(LowerContext& c) {
  V* indices = c.tensor("indices");
  if (indices->dtype() != DType::i64 && indices->dtype() != DType::i32) {
    return c.refuse(
        "its indices are " + std::string(name(indices->dtype())) + ", and PyTorch takes integers",
        "say which inputs are integers: --shapes 'ids[1,16]:i64'");
  }
  return lower::gather(c, c.tensor("weight"), c.b.cast(indices, DType::i64), 0);
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

// The main diagonal of a matrix.
V* diagonal(LowerContext& c, V* x) {
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() != 2) return c.refuse("a trace is of a matrix");
  V* flat = lower::reshape(c, x, {sizes[0] * sizes[1]});
  const ir::Dim step = sizes[1] + 1;
  return c.b.emit(Slice{}, {flat, c.b.ints({0}), c.b.shape({{min(sizes[0], sizes[1]) * step}}),
                            c.b.ints({0}), c.b.shape({{step}})});
}

V* trace(LowerContext& c) {
  V* line = diagonal(c, c.tensor("self"));
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
      {"aten::embedding", embedding}, {"aten::index_select", index_select},
      {"aten::gather", gather},       {"aten::take_along_dim", take_along_dim},
      {"aten::take", take},           {"aten::trace", trace},
      {"aten::cross", cross},         {"aten::linalg_cross", cross},
  };
  return kAll;
}

}  // namespace tenon::ops
