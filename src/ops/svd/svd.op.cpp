#include "ops/svd/svd.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_svd(InferContext& context) {
  const auto a = TRY(matrix_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  const Dim k = min(s.rows, s.columns);
  const bool full = context.as<SVD>().full;
  set_matrix(context, 0, context.dtype(0), a, {s.rows, full ? s.rows : k});
  set_matrix(context, 1, context.dtype(0), a, {k});
  set_matrix(context, 2, context.dtype(0), a, {full ? s.columns : k, s.columns});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> svd_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<SVD>(1, infer_svd, 3)};
  return specs;
}

}  // namespace tenon::ops
