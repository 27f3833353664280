// Indexing that looks only where a mask allows it: indices elsewhere may lie outside the tensor.
#include "ops/common/lower_expr.h"

namespace tenon::ops {
namespace masked_index_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

// The indices, brought into range.
Expr inside(LowerContext& c, V* x) {
  const Sizes sizes = lower::sizes(c, x);
  std::vector<torch::Value> out;
  const std::vector<V*> given = c.tensors("indices");
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] == nullptr || i >= sizes.size()) {
      out.emplace_back();
      continue;
    }
    V* index = c.b.cast(given[i], DType::i64);
    V *low = c.b.dim(ir::Dim(0) - sizes[i]), *high = c.b.dim(sizes[i] - ir::Dim(1));
    index = c.b.emit_named("Min", {c.b.emit_named("Max", {index, low}), high});
    out.push_back(c.machine().tensor(index));
  }
  return {c, c.machine().list(std::move(out))};
}

Expr hidden(LowerContext& c) { return Expr::argument(c, "mask").call("logical_not"); }

V* masked_index(LowerContext& c) {
  const Expr x = Expr::argument(c, "self");
  if (ir::product(x.sizes()).is(0)) return c.refuse("the tensor has no elements");
  return x.call("index", {inside(c, x.result())})
      .call("masked_fill", {hidden(c), Expr::argument(c, "fill")})
      .result();
}

V* masked_index_put(LowerContext& c) {
  const Expr x = Expr::argument(c, "self");
  if (ir::product(x.sizes()).is(0)) return x.result();
  const Expr values = Expr::argument(c, "values").call("masked_fill", {hidden(c), 0});
  return x.call("index_put", {inside(c, x.result()), values, Expr(c, torch::Value::boolean(true))})
      .result();
}

}  // namespace masked_index_lowering

std::span<const torch::Lowering> masked_index_torch() {
  using namespace masked_index_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::_unsafe_masked_index", masked_index},
      {"aten::_unsafe_masked_index_put_accumulate", masked_index_put},
  };
  return kAll;
}

}  // namespace tenon::ops
