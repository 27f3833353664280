#include "ops/cholesky/cholesky.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_cholesky(InferContext& context) {
  const auto a = TRY(square_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, s.columns});
  set_matrix(context, 1, DType::i32, a, {});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> cholesky_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<Cholesky>(1, infer_cholesky, 2)};
  return specs;
}

}  // namespace tenon::ops
