#include "ops/compare/compare.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class F>
Status infer_compare(InferContext& context, F&& decide) {
  TRY(infer_broadcast(context));
  context.set(0, DType::boolean, context.node().output(0)->shape());
  if (is_floating(context.dtype(0))) return {};
  const ir::Ranges ranges = context.ranges();
  keep_contents(context, 0,
                map_contents(flat_contents(context, 0), flat_contents(context, 1),
                             [&](const Dim& a, const Dim& b) -> std::optional<Dim> {
                               const ir::Truth truth = decide(a, b, ranges);
                               if (truth == ir::Truth::unknown) return std::nullopt;
                               return Dim(truth == ir::Truth::yes ? 1 : 0);
                             }));
  return {};
}

Status infer_equal(InferContext& context) {
  return infer_compare(context, [](const Dim& a, const Dim& b, const ir::Ranges& ranges) {
    return equal(a, b, ranges);
  });
}
Status infer_less(InferContext& context) {
  TRY(need_numeric(context, 0));
  return infer_compare(context, [](const Dim& a, const Dim& b, const ir::Ranges& ranges) {
    return less_equal(a + Dim(1), b, ranges);
  });
}
Status infer_less_or_equal(InferContext& context) {
  TRY(need_numeric(context, 0));
  return infer_compare(context, [](const Dim& a, const Dim& b, const ir::Ranges& ranges) {
    return less_equal(a, b, ranges);
  });
}
Status infer_greater(InferContext& context) {
  TRY(need_numeric(context, 0));
  return infer_compare(context, [](const Dim& a, const Dim& b, const ir::Ranges& ranges) {
    return less_equal(b + Dim(1), a, ranges);
  });
}
Status infer_greater_or_equal(InferContext& context) {
  TRY(need_numeric(context, 0));
  return infer_compare(context, [](const Dim& a, const Dim& b, const ir::Ranges& ranges) {
    return less_equal(b, a, ranges);
  });
}

}  // namespace

std::span<const ir::OpSpec> compare_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<Equal>(2, 2, infer_equal),
      spec<Greater>(2, 2, infer_greater),
      spec<Less>(2, 2, infer_less),
      spec<GreaterOrEqual>(2, 2, infer_greater_or_equal),
      spec<LessOrEqual>(2, 2, infer_less_or_equal),
  };
  return specs;
}

}  // namespace tenon::ops
