#include "ops/unique/unique.h"

#include "ops/common/lower.h"
#include "ops/cumsum/cumsum.h"

namespace tenon::ops {
namespace unique_lowering {

using lower::V;
using torch::LowerContext;

bool wants(LowerContext& c, std::string_view name) { return c.has(name) && c.flag(name); }

// PyTorch leaves empty what nobody asked for.
V* nothing(LowerContext& c) { return lower::filled(c, {0}, 0, DType::i64); }

V* unique(LowerContext& c, std::optional<int64_t> axis) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  // PyTorch sorts on the CPU whether it is asked to or not.
  V* in = sizes.empty() ? lower::unsqueeze(c, x, {0}) : x;
  const bool truth = x->dtype() == DType::boolean;
  if (truth) in = c.b.cast(in, DType::i64);
  const auto out = c.b.emit_n(Unique{.axis = axis, .sorted = true}, {in}, 4);
  V* values = truth ? c.b.cast(out[0], DType::boolean) : out[0];
  V* inverse = axis ? out[2] : lower::reshape(c, out[2], sizes);
  return c.give({values, wants(c, "return_inverse") ? inverse : nothing(c),
                 wants(c, "return_counts") ? out[3] : nothing(c)});
}
V* unique_flat(LowerContext& c) { return unique(c, std::nullopt); }
V* unique_pair(LowerContext& c) {
  unique(c, std::nullopt);
  if (!c.results.empty()) c.results.resize(2);
  return c.results.empty() ? nullptr : c.results[0];
}
V* unique_dim(LowerContext& c) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) == 0) return c.refuse("the tensor has no dimensions");
  return unique(c, *axis);
}

// Runs of equal neighbours: a run begins where an element differs from the one before it.
V* consecutive(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  const bool flat = !c.has("dim");
  if (flat) x = lower::reshape(c, x, {ir::product(sizes)});
  const auto axis = flat ? std::optional<int64_t>(0) : lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) == 0) return c.refuse("the tensor has no dimensions");
  const Sizes shape = lower::sizes(c, x);
  const ir::Dim n = shape[static_cast<size_t>(*axis)];
  if (n.is(0)) return c.refuse("the tensor has no elements along the dimension");
  V* same = c.b.emit_named(
      "Equal", {lower::slice(c, x, *axis, 1, n), lower::slice(c, x, *axis, 0, n - ir::Dim(1))});
  V* differs = c.b.cast(c.b.emit_named("Not", {same}), DType::i64);
  std::vector<int64_t> others;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (static_cast<int64_t>(i) != *axis) others.push_back(static_cast<int64_t>(i));
  }
  if (!others.empty()) differs = lower::reduce(c, "ReduceMax", differs, others, false);
  V* begins = lower::concat(c, {lower::int_table(c, {1}, {1}), differs}, 0);
  V* starts = lower::squeeze(c, c.b.emit_named("NonZero", {begins}), {0});
  V* values = lower::gather(c, x, starts, *axis);
  V *inverse = nothing(c), *counts = nothing(c);
  if (wants(c, "return_inverse")) {
    V* run = c.b.emit(CumSum{}, {begins, c.b.scalar_int(0)});
    inverse = lower::sub(c, run, c.b.scalar_int(1));
    if (flat) inverse = lower::reshape(c, inverse, sizes);
  }
  if (wants(c, "return_counts")) {
    // A run ends where the next begins.
    const ir::Dim runs = lower::sizes(c, starts)[0];
    V* ends = lower::concat(c, {lower::slice(c, starts, 0, 1, runs), c.b.shape({{n}})}, 0);
    counts = lower::sub(c, ends, starts);
  }
  return c.give({values, inverse, counts});
}

}  // namespace unique_lowering

std::span<const torch::Lowering> unique_torch() {
  using namespace unique_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::_unique2", unique_flat},
      {"aten::_unique", unique_pair},
      {"aten::unique_dim", unique_dim},
      {"aten::unique_consecutive", consecutive},
      {"aten::unique_dim_consecutive", consecutive},
  };
  return kAll;
}

}  // namespace tenon::ops
