#include "ops/where/where.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_where(InferContext& context) {
  TRY(need_dtype(context, 0, DType::boolean));
  TRY(same_dtype(context, 1, 2));
  const size_t inputs[] = {0, 1, 2};
  context.set(0, context.dtype(1), TRY(broadcast_inputs(context, inputs)));
  if (is_floating(context.dtype(1))) return {};
  const Contents condition = flat_contents(context, 0);
  auto pick = [&](size_t input, int64_t wanted) {
    // The elements that are taken from this input; a stand-in where they are not.
    return map_contents(condition, flat_contents(context, input),
                        [&](const Dim& c, const Dim& v) -> std::optional<Dim> {
                          if (!c.is_constant()) return std::nullopt;
                          return c.is(wanted) ? v : Dim(0);
                        });
  };
  if (condition) {
    keep_contents(context, 0, map_contents(pick(1, 1), pick(2, 0), [](const Dim& a, const Dim& b) {
                    return std::optional(a + b);
                  }));
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> where_op() {
  static constexpr ir::OpSpec specs[] = {spec<Where>(3, 3, infer_where)};
  return specs;
}

}  // namespace tenon::ops
