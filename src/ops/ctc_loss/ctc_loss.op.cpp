#include "ops/ctc_loss/ctc_loss.h"

#include <algorithm>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_ctc_loss(InferContext& context) {
  TRY(need_floating(context, 0));
  for (size_t i = 1; i < 4; ++i) TRY(need_integer(context, i));
  const Sizes* x = context.shape(0);
  if (x != nullptr && x->size() != 3) return context.fail("the log probabilities are no [T, N, C]");
  const Dim samples = x ? (*x)[1] : context.data_dim(0, 0);
  context.set(0, context.dtype(0), Sizes{samples});
  if (context.output_count() < 2) return {};
  const auto lengths = context.constant_ints(3);
  const Dim states = lengths && !lengths->empty()
                         ? Dim(2 * *std::max_element(lengths->begin(), lengths->end()) + 1)
                         : context.data_dim(1, 2);
  context.set(1, context.dtype(0), Sizes{samples, x ? (*x)[0] : context.data_dim(1, 1), states});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> ctc_loss_op() {
  static constexpr ir::OpSpec specs[] = {{.name = CTCLoss::kName,
                                          .min_inputs = 4,
                                          .max_inputs = 4,
                                          .min_outputs = 1,
                                          .max_outputs = 2,
                                          .infer = infer_ctc_loss,
                                          .check_attributes = &ir::attributes_of<CTCLoss>,
                                          .domain = CTCLoss::kDomain}};
  return specs;
}

}  // namespace tenon::ops
