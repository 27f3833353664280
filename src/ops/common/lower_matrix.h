// What the lowerings of linear algebra share: stacks of matrices [batch.., rows, columns].
#pragma once

#include "ops/common/lower.h"

namespace tenon::ops::lower {

// The argument as a stack of matrices of f32 or f64; null where it is none, which is refused.
V* matrices(LowerContext& c, std::string_view name);
V* square_matrices(LowerContext& c, std::string_view name);

ir::Dim rows(LowerContext& c, V* x);
ir::Dim columns(LowerContext& c, V* x);
Sizes batch(LowerContext& c, V* x);
Sizes with(Sizes batch, std::initializer_list<ir::Dim> last);

V* adjoint(LowerContext& c, V* x);            // the last two dimensions swapped
V* as_column(LowerContext& c, V* x);          // [.., n] to [.., n, 1]
V* as_row(LowerContext& c, V* x);             // [.., n] to [.., 1, n]
V* squeeze_last(LowerContext& c, V* x);       // [.., n, 1] to [.., n]
V* count_to(LowerContext& c, const ir::Dim& n);  // 0, 1, .. n - 1 as i64
V* identity(LowerContext& c, const ir::Dim& n, DType dtype);
V* triangle(LowerContext& c, V* x, bool upper, int64_t diagonal = 0);
V* diagonal(LowerContext& c, V* x);           // [.., n, n] to [.., n]
V* first_rows(LowerContext& c, V* x, const ir::Dim& count);
V* first_columns(LowerContext& c, V* x, const ir::Dim& count);
// A reduction over the last dimension.
V* reduce_last(LowerContext& c, const char* op, V* x, bool keep = false);
// PyTorch's result for what was not asked for: a tensor of no elements.
V* nothing(LowerContext& c, DType dtype);
// Both with the batch that theirs broadcast to; nulls where they do not, which is refused.
std::pair<V*, V*> same_batch(LowerContext& c, V* a, V* b);
// x of a x = b, where a and b have any batches that broadcast.
V* solve_triangular(LowerContext& c, V* a, V* b, bool upper, bool unit);
// Solutions of a x = b, and LAPACK's info; with `check`, what is singular ends the run.
std::vector<V*> solve(LowerContext& c, V* a, V* b, bool check);
std::vector<V*> inverse_of(LowerContext& c, V* a, bool check);
V* singular_values(LowerContext& c, V* a);

}  // namespace tenon::ops::lower
