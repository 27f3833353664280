#include "ops/eigen/eigen.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_eigh(InferContext& context) {
  const auto a = TRY(square_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows});
  set_matrix(context, 1, context.dtype(0), a, {s.rows, s.rows});
  return {};
}

Status infer_eig(InferContext& context) {
  const auto a = TRY(square_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, 2});
  set_matrix(context, 1, context.dtype(0), a, {s.rows, s.rows, 2});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> eigen_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<Eigh>(1, infer_eigh, 2),
                                         matrix_spec<Eig>(1, infer_eig, 2)};
  return specs;
}

}  // namespace tenon::ops
