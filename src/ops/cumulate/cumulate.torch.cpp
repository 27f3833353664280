#include "ops/cumulate/cumulate.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace cumulate_lowering {

using lower::V;
using torch::LowerContext;

V* extreme(LowerContext& c, const char* function) {
  V* x = c.tensor("self");
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return nullptr;
  if (lower::rank(c, x) == 0) return c.give({x, c.b.scalar_int(0)});
  const bool truth = x->dtype() == DType::boolean;
  const auto out = c.b.emit_n(Cumulate{.function = function, .axis = *axis},
                              {truth ? c.b.cast(x, DType::i32) : x}, 2);
  return c.give({truth ? c.b.cast(out[0], DType::boolean) : out[0], out[1]});
}
V* cummax(LowerContext& c) { return extreme(c, "max"); }
V* cummin(LowerContext& c) { return extreme(c, "min"); }

V* along(LowerContext& c, const char* function, V* x) {
  const auto axis = lower::axis(c, "dim", x);
  if (!axis || lower::rank(c, x) == 0) return x;
  return c.b.emit(Cumulate{.function = function, .axis = *axis}, {x});
}

// Products of integers and booleans are i64.
V* cumprod(LowerContext& c) {
  V* x = c.tensor("self");
  if (auto type = c.dtype("dtype"))
    x = c.b.cast(x, *type);
  else if (!is_floating(x->dtype()))
    x = c.b.cast(x, DType::i64);
  return along(c, "product", x);
}

V* logcumsumexp(LowerContext& c) {
  V* x = c.tensor("self");
  if (!is_floating(x->dtype())) return c.refuse("logcumsumexp takes floating point numbers only");
  return along(c, "logsumexp", x);
}

}  // namespace cumulate_lowering

std::span<const torch::Lowering> cumulate_torch() {
  using namespace cumulate_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::cummax", cummax},
      {"aten::cummin", cummin},
      {"aten::cumprod", cumprod},
      {"aten::logcumsumexp", logcumsumexp},
      {"aten::_logcumsumexp", logcumsumexp},
  };
  return kAll;
}

}  // namespace tenon::ops
