#include "ops/minmax/minmax.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class F>
Status infer_variadic(InferContext& context, F&& f) {
  TRY(need_numeric(context, 0));
  TRY(infer_broadcast(context));
  if (!is_integral(context.dtype(0))) return {};
  Contents all = flat_contents(context, 0);
  for (size_t i = 1; i < context.input_count(); ++i) {
    all = map_contents(all, flat_contents(context, i),
                       [&](const Dim& a, const Dim& b) { return std::optional(f(a, b)); });
  }
  keep_contents(context, 0, std::move(all));
  return {};
}

// min and max of sizes, decided by their ranges where possible: the shorter the expression, the
// more can be said of it later.
Status infer_min(InferContext& context) {
  const ir::Ranges ranges = context.ranges();
  return infer_variadic(context, [&](const Dim& a, const Dim& b) {
    if (less_equal(a, b, ranges) == ir::Truth::yes) return a;
    return less_equal(b, a, ranges) == ir::Truth::yes ? b : min(a, b);
  });
}
Status infer_max(InferContext& context) {
  const ir::Ranges ranges = context.ranges();
  return infer_variadic(context, [&](const Dim& a, const Dim& b) {
    if (less_equal(a, b, ranges) == ir::Truth::yes) return b;
    return less_equal(b, a, ranges) == ir::Truth::yes ? a : max(a, b);
  });
}

Status infer_float_variadic(InferContext& context) {
  TRY(need_floating(context, 0));
  return infer_broadcast(context);
}

}  // namespace

std::span<const ir::OpSpec> minmax_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Min>(1, -1, infer_min),
      spec<Max>(1, -1, infer_max),
      spec<Sum>(1, -1, infer_float_variadic),
      spec<Mean>(1, -1, infer_float_variadic),
  };
  return specs;
}

}  // namespace tenon::ops
