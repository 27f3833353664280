#include "ops/recurrent/recurrent.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class Op>
Status infer_recurrent(InferContext& context) {
  TRY(need_floating(context, 0));
  const auto op = context.as<Op>();
  if (op.direction != "forward" && op.direction != "reverse" && op.direction != "bidirectional")
    return context.fail("direction '" + op.direction + "' is not known");
  const Sizes *x = context.shape(0), *r = context.shape(2);
  if (x == nullptr || r == nullptr) {
    for (size_t i = 0; i < context.output_count(); ++i)
      context.set(i, context.dtype(0), std::nullopt);
    return {};
  }
  if (x->size() != 3 || r->size() != 3) return context.fail("X and R need three dimensions");
  const bool batch_first = op.layout == 1;
  const Dim sequence = (*x)[batch_first ? 1 : 0], batch = (*x)[batch_first ? 0 : 1];
  const Dim directions = op.direction == "bidirectional" ? 2 : 1, hidden = (*r)[2];
  TRY(need_equal(context, (*r)[0], directions, "R does not have one block for each direction"));
  for (size_t i = 0; i < context.output_count(); ++i) {
    if (i == 0)
      context.set(0, context.dtype(0),
                  batch_first ? Sizes{batch, sequence, directions, hidden}
                              : Sizes{sequence, directions, batch, hidden});
    else
      context.set(
          i, context.dtype(0),
          batch_first ? Sizes{batch, directions, hidden} : Sizes{directions, batch, hidden});
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> recurrent_op() {
  static constexpr ir::OpSpec specs[] = {spec<LSTM>(3, 8, infer_recurrent<LSTM>, 1, 3),
                                         spec<GRU>(3, 6, infer_recurrent<GRU>, 1, 2),
                                         spec<RNN>(3, 6, infer_recurrent<RNN>, 1, 2)};
  return specs;
}

}  // namespace tenon::ops
