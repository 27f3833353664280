#include "ops/common/lower_matrix.h"

#include <fmt/format.h>

#include "ops/range/range.h"
#include "ops/solve/solve.h"
#include "ops/svd/svd.h"
#include "ops/trilu/trilu.h"

namespace tenon::ops::lower {
namespace {

int64_t last_axis(LowerContext& c, V* x) { return static_cast<int64_t>(rank(c, x)) - 1; }

}  // namespace

V* matrices(LowerContext& c, std::string_view name) {
  V* x = c.tensor(name);
  if (rank(c, x) < 2) return c.refuse("the tensor has fewer than two dimensions");
  if (x->dtype() != DType::f32 && x->dtype() != DType::f64)
    return c.refuse(fmt::format("matrices of type {} are not decomposed, PyTorch does not do it "
                                "either; complex ones are not supported yet",
                                tenon::name(x->dtype())));
  return x;
}

V* square_matrices(LowerContext& c, std::string_view name) {
  V* x = matrices(c, name);
  if (x == nullptr) return nullptr;
  const auto m = rows(c, x).constant(), n = columns(c, x).constant();
  if (m && n && *m != *n) return c.refuse("the matrices are not square");
  return x;
}

ir::Dim rows(LowerContext& c, V* x) {
  const Sizes all = sizes(c, x);
  return all.size() < 2 ? ir::Dim(1) : all[all.size() - 2];
}
ir::Dim columns(LowerContext& c, V* x) {
  const Sizes all = sizes(c, x);
  return all.empty() ? ir::Dim(1) : all.back();
}
Sizes batch(LowerContext& c, V* x) {
  const Sizes all = sizes(c, x);
  return all.size() < 2 ? Sizes{} : Sizes(all.begin(), all.end() - 2);
}
Sizes with(Sizes batch, std::initializer_list<ir::Dim> last) {
  batch.insert(batch.end(), last);
  return batch;
}

V* adjoint(LowerContext& c, V* x) {
  std::vector<int64_t> order = all_axes(rank(c, x));
  if (order.size() < 2) return x;
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return transpose(c, x, order);
}

V* as_column(LowerContext& c, V* x) { return unsqueeze(c, x, {last_axis(c, x) + 1}); }
V* as_row(LowerContext& c, V* x) { return unsqueeze(c, x, {last_axis(c, x)}); }
V* squeeze_last(LowerContext& c, V* x) { return squeeze(c, x, {last_axis(c, x)}); }

V* count_to(LowerContext& c, const ir::Dim& n) {
  constexpr int64_t kTable = 4096;
  if (auto size = n.constant(); size && *size >= 0 && *size <= kTable) {
    std::vector<int64_t> all(static_cast<size_t>(*size));
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    return int_table(c, all, {*size});
  }
  return c.b.emit(Range{}, {c.b.scalar_int(0), c.b.dim(n), c.b.scalar_int(1)});
}

V* identity(LowerContext& c, const ir::Dim& n, DType dtype) {
  V* places = count_to(c, n);
  return c.b.cast(c.b.emit_named("Equal", {as_column(c, places), as_row(c, places)}), dtype);
}

V* triangle(LowerContext& c, V* x, bool upper, int64_t diagonal) {
  return c.b.emit(Trilu{.upper = upper}, {x, c.b.scalar_int(diagonal)});
}

V* diagonal(LowerContext& c, V* x) {
  V* places = count_to(c, columns(c, x));
  V* here = c.b.emit_named("Equal", {as_column(c, places), as_row(c, places)});
  return reduce_last(c, "ReduceSum", where(c, here, x, like(c, x, 0)));
}

V* first_rows(LowerContext& c, V* x, const ir::Dim& count) {
  return rows(c, x) == count ? x : slice(c, x, last_axis(c, x) - 1, 0, count);
}
V* first_columns(LowerContext& c, V* x, const ir::Dim& count) {
  return columns(c, x) == count ? x : slice(c, x, last_axis(c, x), 0, count);
}

V* reduce_last(LowerContext& c, const char* op, V* x, bool keep) {
  return reduce(c, op, x, {last_axis(c, x)}, keep);
}

V* nothing(LowerContext& c, DType dtype) { return c.b.constant(Tensor::zeros(dtype, {0})); }

std::pair<V*, V*> same_batch(LowerContext& c, V* a, V* b) {
  const auto common = broadcast(c, {batch(c, a), batch(c, b)});
  if (!common) return {};
  return {expand(c, a, with(*common, {rows(c, a), columns(c, a)})),
          expand(c, b, with(*common, {rows(c, b), columns(c, b)}))};
}

V* solve_triangular(LowerContext& c, V* a, V* b, bool upper, bool unit) {
  const auto [left, right] = same_batch(c, a, b);
  if (left == nullptr) return nullptr;
  return c.b.emit(TriangularSolve{.unit = unit, .upper = upper}, {left, right});
}

std::vector<V*> solve(LowerContext& c, V* a, V* b, bool check) {
  const auto [left, right] = same_batch(c, a, b);
  if (left == nullptr) return {nullptr, nullptr};
  return c.b.emit_n(Solve{.check = check}, {left, right}, 2);
}

std::vector<V*> inverse_of(LowerContext& c, V* a, bool check) {
  return solve(c, a, identity(c, columns(c, a), a->dtype()), check);
}

V* singular_values(LowerContext& c, V* a) { return c.b.emit_n(SVD{}, {a}, 3)[1]; }

}  // namespace tenon::ops::lower
