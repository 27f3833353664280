#include "ops/qr/qr.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_qr(InferContext& context) {
  const auto a = TRY(matrix_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, s.columns});
  set_matrix(context, 1, context.dtype(0), a, {min(s.rows, s.columns)});
  return {};
}

Status infer_householder_product(InferContext& context) {
  const auto a = TRY(matrix_input(context, 0));
  TRY(same_dtype(context, 0, 1));
  TRY(need_rank(context, 1, 1));
  const Sizes* tau = context.shape(1);
  if (a && tau) {
    if (tau->size() != a->batch.size() + 1)
      return context.fail("the inputs differ in their batches");
    for (size_t i = 0; i < a->batch.size(); ++i)
      TRY(need_equal(context, a->batch[i], (*tau)[i], "the inputs differ in their batches"));
  }
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, s.columns});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> qr_op() {
  static constexpr ir::OpSpec specs[] = {
      matrix_spec<QR>(1, infer_qr, 2),
      matrix_spec<HouseholderProduct>(2, infer_householder_product)};
  return specs;
}

}  // namespace tenon::ops
