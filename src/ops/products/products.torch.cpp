// Products of all elements with all others, of vectors, and powers of vectors.
#include "ops/common/lower.h"

namespace tenon::ops {
namespace products_lowering {

using lower::V;
using torch::LowerContext;

// Each element of one times the whole other: blocks side by side.
V* kron(LowerContext& c) {
  const DType type = c.promoted({"self", "other"});
  V *a = c.operand("self", type), *b = c.operand("other", type);
  Sizes sa = lower::sizes(c, a), sb = lower::sizes(c, b);
  const size_t rank = std::max(sa.size(), sb.size());
  sa.insert(sa.begin(), rank - sa.size(), 1);
  sb.insert(sb.begin(), rank - sb.size(), 1);
  Sizes spread_a, spread_b, out;
  for (size_t i = 0; i < rank; ++i) {
    spread_a.insert(spread_a.end(), {sa[i], 1});
    spread_b.insert(spread_b.end(), {1, sb[i]});
    out.push_back(sa[i] * sb[i]);
  }
  a = lower::reshape(c, a, spread_a);
  b = lower::reshape(c, b, spread_b);
  V* product = type == DType::boolean ? c.b.emit_named("And", {a, b}) : lower::mul(c, a, b);
  return lower::reshape(c, product, out);
}

V* vecdot(LowerContext& c) {
  const DType type = c.promoted({"x", "y"});
  V* product = lower::mul(c, c.operand("x", type), c.operand("y", type));
  const auto axis = lower::axis(c, "dim", product);
  return axis ? lower::reduce(c, "ReduceSum", product, {*axis}, false) : nullptr;
}

// The powers 0 to n - 1 of each element as a row.
V* powers(LowerContext& c, bool decreasing) {
  V* x = c.tensor("x");
  if (!is_floating(x->dtype())) x = c.b.cast(x, DType::i64);
  if (lower::rank(c, x) == 0) x = lower::unsqueeze(c, x, {0});
  const Sizes sizes = lower::sizes(c, x);
  const ir::Dim n = c.has("N") ? c.integer("N") : sizes.back();
  V* exponents =
      decreasing ? c.b.emit_named("Range",
                                  {c.b.dim(n - ir::Dim(1)), c.b.scalar_int(-1), c.b.scalar_int(-1)})
                 : c.b.emit_named("Range", {c.b.scalar_int(0), c.b.dim(n), c.b.scalar_int(1)});
  if (!c.b.failed()) exponents->type.shape = Sizes{n};
  x = lower::unsqueeze(c, x, {static_cast<int64_t>(sizes.size())});
  return c.b.emit_named("Pow", {x, c.b.cast(exponents, x->dtype())});
}
V* vander(LowerContext& c) { return powers(c, !c.flag("increasing")); }
V* linalg_vander(LowerContext& c) { return powers(c, false); }

}  // namespace products_lowering

std::span<const torch::Lowering> products_torch() {
  using namespace products_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::kron", kron},
      {"aten::linalg_vecdot", vecdot},
      {"aten::vander", vander},
      {"aten::linalg_vander", linalg_vander},
  };
  return kAll;
}

}  // namespace tenon::ops
