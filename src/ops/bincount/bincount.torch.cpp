// How often each of the numbers 0, 1, 2... occurs.
#include "ops/common/lower.h"
#include "ops/scatter_elements/scatter_elements.h"

namespace tenon::ops {
namespace bincount_lowering {

using lower::V;
using torch::LowerContext;

V* bincount(LowerContext& c) {
  V* x = c.b.cast(c.tensor("self"), DType::i64);
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() != 1) return c.refuse("bincount takes a vector");
  ir::Dim bins = c.integer("minlength");
  if (!sizes[0].is(0)) {
    // The largest number decides how many bins there are.
    V* most =
        c.b.emit_named("Add", {lower::reduce(c, "ReduceMax", x, {0}, false), c.b.scalar_int(1)});
    const auto needed = c.machine().to_int(c.machine().tensor(most));
    if (!needed) {
      c.b.fail(needed.error());
      return nullptr;
    }
    bins = max(*needed, bins);
  }
  V* weights = nullptr;
  if (c.has("weights")) {
    weights = c.tensor("weights");
    if (weights->dtype() != DType::f32) weights = c.b.cast(weights, DType::f64);
  } else {
    weights = lower::expand(c, c.b.scalar_int(1), sizes);
  }
  V* empty = lower::expand(c, lower::like(c, weights, 0), {bins});
  return c.b.emit(ScatterElements{.axis = 0, .reduction = "add"}, {empty, x, weights});
}

}  // namespace bincount_lowering

std::span<const torch::Lowering> bincount_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::bincount", bincount_lowering::bincount}};
  return kAll;
}

}  // namespace tenon::ops
