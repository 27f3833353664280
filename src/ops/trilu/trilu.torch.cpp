#include "ops/trilu/trilu.h"

#include <algorithm>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace trilu_lowering {

using lower::V;
using torch::LowerContext;

template <bool upper>
V* triangle(LowerContext& c) {
  V* x = c.tensor("self");
  if (lower::rank(c, x) < 2) return c.refuse("the tensor has fewer than two dimensions");
  return c.b.emit(Trilu{.upper = upper}, {x, c.b.dim(c.integer("diagonal"))});
}

// The coordinates of a triangle's elements, [2, n].
template <bool upper>
V* places(LowerContext& c) {
  const int64_t rows = c.constant("row"), columns = c.constant("col"),
                offset = c.constant("offset");
  if (rows < 0 || columns < 0 || rows > 4096 || columns > 4096)
    return c.refuse("the triangle is too large");
  std::vector<int64_t> at;
  for (int64_t pass = 0; pass < 2; ++pass) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t k = 0; k < columns; ++k) {
        if (upper ? k - i >= offset : k - i <= offset) at.push_back(pass == 0 ? i : k);
      }
    }
  }
  V* table = lower::int_table(c, at, {2, static_cast<int64_t>(at.size()) / 2});
  return c.b.cast(table, c.dtype("dtype").value_or(DType::i64));
}

V* eye(LowerContext& c) {
  const ir::Dim rows = c.integer("n"), columns = c.has("m") ? c.integer("m") : rows;
  const DType type = c.dtype("dtype").value_or(DType::f32);
  const auto n = rows.constant(), m = columns.constant();
  if (n && m && *n >= 0 && *m >= 0 && *n * *m <= 4096) {
    std::vector<double> table(static_cast<size_t>(*n * *m), 0.0);
    for (int64_t i = 0; i < std::min(*n, *m); ++i) table[static_cast<size_t>(i * *m + i)] = 1;
    return lower::float_table(c, table, {*n, *m}, type);
  }
  V* ones = lower::filled(c, {rows, columns}, 1, DType::f32);
  V* upper = c.b.emit(Trilu{.upper = true}, {ones, c.b.scalar_int(0)});
  return c.b.cast(c.b.emit(Trilu{.upper = false}, {upper, c.b.scalar_int(0)}), type);
}

// The diagonal of a matrix as a vector.
V* main_diagonal(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  const auto rows = sizes[0].constant(), columns = sizes[1].constant();
  if (!rows || !columns)
    return c.refuse("the length of the diagonal depends on the input",
                    "fix the dimension with --shapes");
  const int64_t offset = c.constant("diagonal");
  std::vector<int64_t> places;
  for (int64_t i = 0; i < *rows; ++i) {
    if (i + offset >= 0 && i + offset < *columns) places.push_back(i * *columns + i + offset);
  }
  V* flat = lower::reshape(c, x, {*rows * *columns});
  return lower::gather(c, flat, lower::int_table(c, places, {static_cast<int64_t>(places.size())}),
                       0);
}

// A vector on the diagonal of a matrix: [.., n] to [.., n, n], and further from the middle with an
// offset.
V* on_diagonal(LowerContext& c, V* x) {
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.empty()) return c.refuse("the tensor has no dimensions");
  const int64_t offset = c.has("offset")     ? c.constant("offset")
                         : c.has("diagonal") ? c.constant("diagonal")
                                             : 0;
  const size_t rank = sizes.size() + 1;
  const auto a = lower::axis(c, c.has("dim1") ? c.constant("dim1") : -2, rank);
  const auto b = lower::axis(c, c.has("dim2") ? c.constant("dim2") : -1, rank);
  if (!a || !b || *a == *b) return c.refuse("a diagonal needs two dimensions");
  constexpr int64_t kFurthest = 1 << 16;
  if (std::abs(offset) > kFurthest) return c.refuse("the diagonal is too far from the middle");
  // Row i of the matrix holds the vector's element i, or i + offset below the middle, at column
  // i + offset: the vector is filled up with zeros to the matrix's side.
  const auto last = static_cast<int64_t>(sizes.size()) - 1;
  if (offset != 0) {
    Sizes missing = sizes;
    missing.back() = std::abs(offset);
    V* zeros = lower::filled(c, missing, 0, x->dtype());
    x = lower::concat(c, offset > 0 ? std::vector{x, zeros} : std::vector{zeros, x}, last);
  }
  const ir::Dim side = sizes.back() + ir::Dim(std::abs(offset));
  V* numbers = c.b.emit_named("Range", {c.b.scalar_int(0), c.b.dim(side), c.b.scalar_int(1)});
  V* where = c.b.emit_named(
      "Equal", {lower::add(c, lower::unsqueeze(c, numbers, {1}), c.b.scalar_int(offset)), numbers});
  V* out = lower::where(c, where, lower::unsqueeze(c, x, {last + 1}), lower::like(c, x, 0));
  // The two last dimensions go to their places.
  std::vector<int64_t> order(rank, -1);
  order[static_cast<size_t>(*a)] = static_cast<int64_t>(rank) - 2;
  order[static_cast<size_t>(*b)] = static_cast<int64_t>(rank) - 1;
  int64_t next = 0;
  for (int64_t& entry : order) {
    if (entry < 0) entry = next++;
  }
  return lower::transpose(c, out, order);
}

V* diag_embed(LowerContext& c) { return on_diagonal(c, c.tensor("self")); }
V* diagflat(LowerContext& c) {
  V* x = c.tensor("self");
  return on_diagonal(c, lower::reshape(c, x, {ir::product(lower::sizes(c, x))}));
}

V* diag(LowerContext& c) {
  const size_t rank = lower::rank(c, c.tensor("self"));
  if (rank == 1) return diag_embed(c);
  return rank == 2 ? main_diagonal(c) : c.refuse("diag takes a vector or a matrix");
}

}  // namespace trilu_lowering

std::span<const torch::Lowering> trilu_torch() {
  using namespace trilu_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::tril", triangle<false>},
      {"aten::triu", triangle<true>},
      {"aten::tril_indices", places<false>},
      {"aten::triu_indices", places<true>},
      {"aten::eye", eye},
      {"aten::eye.m", eye},
      {"aten::diagflat", diagflat},
      {"aten::diag_embed", diag_embed},
      {"aten::diag", diag},
  };
  return kAll;
}

}  // namespace tenon::ops
