#include "ops/cumulate/cumulate.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_cumulate(InferContext& context) {
  const auto op = context.as<Cumulate>();
  TRY(need_numeric(context, 0));
  const bool extreme = op.function == "max" || op.function == "min";
  if (op.function == "logsumexp")
    TRY(need_floating(context, 0));
  else if (!extreme && op.function != "product")
    return context.fail("there is no cumulation by '" + op.function + "'");
  if (context.output_count() > 1 && !extreme) return context.fail("only extremes have places");
  const Sizes* x = context.shape(0);
  if (x) TRY(axis_of(context, op.axis, x->size()));
  context.set(0, context.dtype(0), x ? std::optional(*x) : std::nullopt);
  if (context.output_count() > 1) context.set(1, DType::i64, x ? std::optional(*x) : std::nullopt);
  return {};
}

}  // namespace

std::span<const ir::OpSpec> cumulate_op() {
  static constexpr ir::OpSpec specs[] = {{.name = Cumulate::kName,
                                          .max_outputs = 2,
                                          .infer = infer_cumulate,
                                          .check_attributes = &ir::attributes_of<Cumulate>,
                                          .domain = Cumulate::kDomain}};
  return specs;
}

}  // namespace tenon::ops
