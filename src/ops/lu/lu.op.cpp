#include "ops/lu/lu.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

Status infer_lu(InferContext& context) {
  const auto a = TRY(matrix_input(context, 0));
  const MatrixSizes s = a.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.rows, s.columns});
  set_matrix(context, 1, DType::i32, a, {min(s.rows, s.columns)});
  set_matrix(context, 2, DType::i32, a, {});
  return {};
}

Status infer_permutation(InferContext& context) {
  TRY(need_dtype(context, 0, DType::i32));
  TRY(need_dtype(context, 1, DType::i64));
  TRY(need_rank(context, 0, 1));
  const Sizes* pivots = context.shape(0);
  if (pivots == nullptr) {
    context.set(0, DType::i64, std::nullopt);
    return {};
  }
  Sizes out(pivots->begin(), pivots->end() - 1);
  const auto rows = context.contents(1);
  out.push_back(rows && rows->size() == 1 ? (*rows)[0] : context.data_dim(0, out.size()));
  context.set(0, DType::i64, std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> lu_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<LU>(1, infer_lu, 3),
                                         matrix_spec<PivotsToPermutation>(2, infer_permutation)};
  return specs;
}

}  // namespace tenon::ops
