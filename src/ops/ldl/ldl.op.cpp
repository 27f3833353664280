#include "ops/ldl/ldl.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_ldl(InferContext& context) {
  const auto a = TRY(square_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, s.rows});
  set_matrix(context, 1, DType::i32, a, {s.rows});
  set_matrix(context, 2, DType::i32, a, {});
  return {};
}

Status infer_ldl_solve(InferContext& context) {
  const auto a = TRY(square_input(context, 0)), b = TRY(matrix_input(context, 2));
  TRY(need_dtype(context, 1, DType::i32));
  TRY(need_rank(context, 1, 1));
  if (context.dtype(0) != context.dtype(2)) return context.fail("the sides differ in their types");
  if (a && b) TRY(need_equal(context, a->rows, b->rows, "the sides differ in their rows"));
  const MatrixSizes s = b.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), b, {s.rows, s.columns});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> ldl_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<LDL>(1, infer_ldl, 3),
                                         matrix_spec<LDLSolve>(3, infer_ldl_solve)};
  return specs;
}

}  // namespace tenon::ops
