#include "ops/cumsum/cumsum.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace cumsum_lowering {

using lower::V;
using torch::LowerContext;

V* cumsum(LowerContext& c) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype"))
    x = c.b.cast(x, *type);
  else if (!is_floating(x->dtype()))
    x = c.b.cast(x, DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) == 0) return x;
  return c.b.emit(CumSum{}, {x, c.b.scalar_int(*axis)});
}

// A product of all elements up to each: a table of which belong to it picks them, the others count
// as one.
V* cumprod(LowerContext& c) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype"))
    x = c.b.cast(x, *type);
  else if (!is_floating(x->dtype()))
    x = c.b.cast(x, DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.empty()) return x;
  const auto n = sizes[static_cast<size_t>(*axis)].constant();
  if (!n || *n > 1024)
    return c.refuse(
        "ONNX has no running product, and the dimension is too long or not known to write it out",
        "fix the dimension with --shapes");
  std::vector<double> belongs(static_cast<size_t>(*n * *n), 0.0);
  for (int64_t i = 0; i < *n; ++i) {
    for (int64_t k = 0; k <= i; ++k) belongs[static_cast<size_t>(i * *n + k)] = 1;
  }
  const auto last = static_cast<int64_t>(sizes.size()) - 1;
  const auto order = lower::moved(sizes.size(), *axis, last);
  V* rows = lower::unsqueeze(c, lower::transpose(c, x, order), {last});
  V* picked = lower::where(c, lower::float_table(c, belongs, {*n, *n}, DType::boolean), rows,
                           lower::like(c, x, 1));
  V* out = lower::reduce(c, "ReduceProd", picked, {last + 1}, false);
  return lower::transpose(c, out, lower::inverse(order));
}

}  // namespace cumsum_lowering

std::span<const torch::Lowering> cumsum_torch() {
  using namespace cumsum_lowering;
  static constexpr torch::Lowering kAll[] = {{"aten::cumsum", cumsum}, {"aten::cumprod", cumprod}};
  return kAll;
}

}  // namespace tenon::ops
