#include "ops/solve/solve.h"

#include "ops/common/infer_matrix.h"

namespace tenon::ops {
namespace {

struct System {
  std::optional<MatrixSizes> a, b;
};

// Both stacks have the same batch.
Result<System> system_input(InferContext& context, bool square) {
  System s{TRY(square ? square_input(context, 0) : matrix_input(context, 0)),
           TRY(matrix_input(context, 1))};
  TRY(same_dtype(context, 0, 1));
  if (!s.a || !s.b) return System{};
  TRY(need_equal(context, s.a->rows, s.b->rows, "the sides differ in their rows"));
  if (s.a->batch.size() != s.b->batch.size())
    return context.fail("the sides differ in their batches");
  for (size_t i = 0; i < s.a->batch.size(); ++i)
    TRY(need_equal(context, s.a->batch[i], s.b->batch[i], "the sides differ in their batches"));
  return s;
}

Status infer_solve(InferContext& context) {
  const auto [a, b] = TRY(system_input(context, true));
  const MatrixSizes s = b.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), b, {s.rows, s.columns});
  set_matrix(context, 1, DType::i32, b, {});
  return {};
}

Status infer_least_squares(InferContext& context) {
  const auto [a, b] = TRY(system_input(context, false));
  const MatrixSizes s = a.value_or(MatrixSizes{}), r = b.value_or(MatrixSizes{});
  set_matrix(context, 0, context.dtype(0), a, {s.columns, r.columns});
  set_matrix(context, 1, context.dtype(0), a, {r.columns});
  set_matrix(context, 2, DType::i64, a, {});
  set_matrix(context, 3, context.dtype(0), a, {min(s.rows, s.columns)});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> solve_op() {
  static constexpr ir::OpSpec specs[] = {matrix_spec<Solve>(2, infer_solve, 2),
                                         matrix_spec<TriangularSolve>(2, infer_solve),
                                         matrix_spec<LeastSquares>(2, infer_least_squares, 4)};
  return specs;
}

}  // namespace tenon::ops
