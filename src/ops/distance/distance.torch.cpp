// Distances and differences between vectors.
#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace distance_lowering {

using lower::V;
using torch::LowerContext;

V* norm(LowerContext& c, V* x, double p, int64_t axis, bool keep) {
  return lower::vector_norm(c, x, p, {axis}, keep);
}

// Every row of one with every row of the other.
V* cdist(LowerContext& c) {
  V *a = c.tensor("x1"), *b = c.tensor("x2");
  const auto ra = static_cast<int64_t>(lower::rank(c, a)),
             rb = static_cast<int64_t>(lower::rank(c, b));
  if (ra < 2 || rb < 2) return c.refuse("the inputs have fewer than two dimensions");
  V* difference = lower::sub(c, lower::unsqueeze(c, a, {ra - 1}), lower::unsqueeze(c, b, {rb - 2}));
  return norm(c, difference, c.number("p"), std::max(ra, rb), false);
}

// Each row with each row after it, one after the other.
V* pdist(LowerContext& c) {
  V* x = lower::floating(c, c.tensor("self"));
  if (lower::rank(c, x) != 2) return c.refuse("the input is no matrix");
  const auto [first, second] = lower::pairs(c, lower::sizes(c, x)[0], false);
  V* difference = lower::sub(c, lower::gather(c, x, first, 0), lower::gather(c, x, second, 0));
  return norm(c, difference, c.number("p"), 1, false);
}

// The norm of the difference of two tensors.
V* dist(LowerContext& c) {
  const DType type = LowerContext::floating(c.promoted({"self", "other"}));
  V* difference = lower::sub(c, c.operand("self", type), c.operand("other", type));
  const Sizes sizes = lower::sizes(c, difference);
  return norm(c, lower::reshape(c, difference, {ir::product(sizes)}), c.number("p"), 0, false);
}

// Slices along a dimension whose norm is larger than `maxnorm` are scaled to it.
V* renorm(LowerContext& c) {
  V* x = c.tensor("self");
  const size_t rank = lower::rank(c, x);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (rank < 2) return c.refuse("the tensor has fewer than two dimensions");
  const Sizes sizes = lower::sizes(c, x);
  // PyTorch takes the norms of halves in f32.
  const DType type = x->dtype() == DType::f64 ? DType::f64 : DType::f32;
  const ir::Dim slices = sizes[static_cast<size_t>(*axis)];
  V* wide = lower::transpose(c, c.b.cast(x, type), lower::moved(rank, *axis, 0));
  ir::Dim rest = 1;
  for (size_t i = 0; i < rank; ++i) {
    if (i != static_cast<size_t>(*axis)) rest = rest * sizes[i];
  }
  V* norms = norm(c, lower::reshape(c, wide, {slices, rest}), c.number("p"), 1, false);
  V* most = lower::like(c, norms, c.number("maxnorm"));
  V* scale = lower::div(c, most, lower::add(c, norms, lower::like(c, norms, 1e-7)));
  V* factor =
      lower::where(c, c.b.emit_named("Greater", {norms, most}), scale, lower::like(c, norms, 1));
  std::vector<int64_t> others;
  for (int64_t i : lower::all_axes(rank)) {
    if (i != *axis) others.push_back(i);
  }
  return lower::mul(c, x, c.b.cast(lower::unsqueeze(c, factor, others), x->dtype()));
}

V* pairwise(LowerContext& c) {
  const DType type = c.promoted({"x1", "x2"});
  // A difference of integers becomes a float where eps is added.
  V* difference = lower::floating(c, lower::sub(c, c.operand("x1", type), c.operand("x2", type)));
  const auto rank = static_cast<int64_t>(lower::rank(c, difference));
  if (rank == 0) return c.refuse("the inputs have no dimensions");
  return norm(c, lower::add(c, difference, lower::like(c, difference, c.number("eps"))),
              c.number("p"), rank - 1, c.flag("keepdim"));
}

// Each norm is kept above eps, as PyTorch does.
V* cosine_similarity(LowerContext& c) {
  const DType type = LowerContext::floating(c.promoted({"x1", "x2"}));
  V *a = c.operand("x1", type), *b = c.operand("x2", type);
  const auto common = lower::broadcast(c, {lower::sizes(c, a), lower::sizes(c, b)});
  if (!common) return nullptr;
  const auto axis = lower::axis(c, c.constant("dim"), common->size());
  if (!axis || common->empty()) return c.refuse("the inputs have no such dimension");
  a = lower::expand(c, a, *common);
  b = lower::expand(c, b, *common);
  auto unit = [&](V* x) {
    V* length =
        c.b.emit_named("Max", {norm(c, x, 2, *axis, true), lower::like(c, x, c.number("eps"))});
    return lower::div(c, x, length);
  };
  return lower::reduce(c, "ReduceSum", lower::mul(c, unit(a), unit(b)), {*axis}, false);
}

V* diff(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  std::vector<V*> parts;
  if (c.has("prepend")) parts.push_back(c.tensor("prepend"));
  parts.push_back(x);
  if (c.has("append")) parts.push_back(c.tensor("append"));
  x = lower::concat(c, parts, *axis);
  const int64_t times = c.constant("n");
  if (times < 0 || times > 64) return c.refuse("the order of the difference is out of range");
  for (int64_t i = 0; i < times; ++i) {
    const Sizes sizes = lower::sizes(c, x);
    if (sizes.empty()) return c.refuse("the tensor has no dimensions");
    const ir::Dim& size = sizes[static_cast<size_t>(*axis)];
    V *later = lower::slice(c, x, *axis, 1, size),
      *earlier = lower::slice(c, x, *axis, 0, size - ir::Dim(1));
    x = x->dtype() == DType::boolean ? c.b.emit_named("Xor", {later, earlier})
                                     : lower::sub(c, later, earlier);
  }
  return x;
}

}  // namespace distance_lowering

std::span<const torch::Lowering> distance_torch() {
  using namespace distance_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::cdist", cdist},
      {"aten::_cdist_forward", cdist},
      {"aten::pdist", pdist},
      {"aten::_pdist_forward", pdist},
      {"aten::dist", dist},
      {"aten::renorm", renorm},
      {"aten::pairwise_distance", pairwise},
      {"aten::cosine_similarity", cosine_similarity},
      {"aten::diff", diff},
  };
  return kAll;
}

}  // namespace tenon::ops
