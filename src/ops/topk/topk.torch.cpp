#include "ops/topk/topk.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace topk_lowering {

using lower::V;
using torch::LowerContext;

struct Sorted {
  V *values, *places;
};

// The k first of an order along an axis; equal elements keep theirs.
Sorted ordered(LowerContext& c, V* x, const ir::Dim& k, int64_t axis, bool largest) {
  const bool truth = x->dtype() == DType::boolean;
  const bool flat = lower::rank(c, x) == 0;
  V* in = truth ? c.b.cast(x, DType::i32) : x;
  if (flat) in = lower::unsqueeze(c, in, {0});
  const std::vector<V*> out =
      c.b.emit_n(TopK{.axis = axis, .largest = largest}, {in, c.b.shape({{k}})}, 2);
  V *values = truth ? c.b.cast(out[0], DType::boolean) : out[0], *places = out[1];
  if (flat) return {lower::squeeze(c, values, {0}), lower::squeeze(c, places, {0})};
  return {values, places};
}

ir::Dim length(LowerContext& c, V* x, int64_t axis) {
  const Sizes sizes = lower::sizes(c, x);
  return static_cast<size_t>(axis) < sizes.size() ? sizes[static_cast<size_t>(axis)] : ir::Dim(1);
}

V* topk(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  const Sorted out = ordered(c, x, c.integer("k"), *axis, c.flag("largest"));
  return c.give({out.values, out.places});
}

std::optional<Sorted> sorted(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = c.has("dim") ? lower::axis(c, "dim", x) : lower::axis(c, 0, lower::rank(c, x));
  if (!axis) return std::nullopt;
  return ordered(c, x, length(c, x, *axis), *axis, c.has("descending") && c.flag("descending"));
}
V* sort(LowerContext& c) {
  const auto out = sorted(c);
  return out ? c.give({out->values, out->places}) : nullptr;
}
V* argsort(LowerContext& c) {
  const auto out = sorted(c);
  return out ? out->places : nullptr;
}
V* msort(LowerContext& c) {
  const auto out = sorted(c);
  return out ? out->values : nullptr;
}

// One place of the ascending order, with its index.
V* nth(LowerContext& c, V* x, const ir::Dim& n, int64_t axis, bool keep) {
  const Sorted all = ordered(c, x, n + ir::Dim(1), axis, false);
  if (lower::rank(c, x) == 0) return c.give({all.values, all.places});
  auto pick = [&](V* from) {
    V* one = lower::slice(c, from, axis, n, n + ir::Dim(1));
    return keep ? one : lower::squeeze(c, one, {axis});
  };
  return c.give({pick(all.values), pick(all.places)});
}

V* kth_value(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  return axis ? nth(c, x, c.integer("k") - ir::Dim(1), *axis, c.flag("keepdim")) : nullptr;
}

}  // namespace topk_lowering

std::span<const torch::Lowering> topk_torch() {
  using namespace topk_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::topk", topk},
      {"aten::sort", sort},
      {"aten::sort.stable", sort},
      {"aten::argsort", argsort},
      {"aten::argsort.stable", argsort},
      {"aten::msort", msort},
      {"aten::kthvalue", kth_value},
  };
  return kAll;
}

}  // namespace tenon::ops
