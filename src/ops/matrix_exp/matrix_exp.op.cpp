#include "ops/matrix_exp/matrix_exp.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_matrix_exp(InferContext& context) {
  const auto a = TRY(square_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, s.columns});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> matrix_exp_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<MatrixExp>(1, infer_matrix_exp)};
  return specs;
}

}  // namespace tenon::ops
