// Norms of matrices and condition numbers.
#include <fmt/format.h>

#include <cmath>

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace matrix_norm_lowering {

using lower::V;
using torch::LowerContext;

V* input(LowerContext& c) {
  V* x = c.tensor("self");
  if (c.has("dtype")) return c.b.cast(x, *c.dtype("dtype"));
  return x;
}

// The order of a norm: a number, or fro or nuc.
struct Order {
  double number = 2;
  bool fro = false, nuc = false;
};
std::optional<Order> order(LowerContext& c, std::string_view name) {
  if (c.is_number(name)) return Order{.number = c.number(name)};
  const std::string text = c.text(name);
  if (text == "fro") return Order{.fro = true};
  if (text == "nuc") return Order{.nuc = true};
  c.refuse("there is no norm '" + text + "'");
  return std::nullopt;
}

// A norm of the matrices [.., m, n] that the last two dimensions make.
V* norm_of_last(LowerContext& c, V* x, const Order& order) {
  const auto rank = static_cast<int64_t>(lower::rank(c, x));
  if (order.fro) return lower::reduce(c, "ReduceL2", x, {rank - 2, rank - 1}, false);
  const double size = std::abs(order.number);
  const char* extreme = order.number > 0 ? "ReduceMax" : "ReduceMin";
  if (order.nuc || size == 2) {
    if (x->dtype() != DType::f32 && x->dtype() != DType::f64)
      return c.refuse("singular values of a type that is not f32 or f64");
    V* values = lower::singular_values(c, x);
    return lower::reduce_last(c, order.nuc ? "ReduceSum" : extreme, values);
  }
  if (size != 1 && !std::isinf(size))
    return c.refuse(fmt::format("there is no matrix norm of order {}", order.number));
  // Sums of columns for 1, of rows for infinity.
  V* sums = lower::reduce(c, "ReduceSum", c.b.emit_named("Abs", {x}),
                          {size == 1 ? rank - 2 : rank - 1}, false);
  return lower::reduce_last(c, extreme, sums);
}

V* matrix_norm_of(LowerContext& c, V* x, const Order& order, int64_t first, int64_t second,
                  bool keep) {
  const size_t rank = lower::rank(c, x);
  const auto rows = lower::axis(c, first, rank), columns = lower::axis(c, second, rank);
  if (!rows || !columns) return nullptr;
  if (rank < 2 || *rows == *columns) return c.refuse("a matrix norm needs two dimensions");
  std::vector<int64_t> order_of_axes;
  for (int64_t axis : lower::all_axes(rank)) {
    if (axis != *rows && axis != *columns) order_of_axes.push_back(axis);
  }
  order_of_axes.insert(order_of_axes.end(), {*rows, *columns});
  V* out = norm_of_last(c, lower::transpose(c, x, order_of_axes), order);
  if (out == nullptr || !keep) return out;
  return lower::unsqueeze(c, out, {std::min(*rows, *columns), std::max(*rows, *columns)});
}

V* vector_norm_of(LowerContext& c, V* x, double p, const std::vector<int64_t>& axes, bool keep) {
  if (p == 2) return lower::reduce(c, "ReduceL2", x, axes, keep);
  if (p == 1) return lower::reduce(c, "ReduceL1", x, axes, keep);
  V* size = c.b.emit_named("Abs", {x});
  if (std::isinf(p)) return lower::reduce(c, p > 0 ? "ReduceMax" : "ReduceMin", size, axes, keep);
  if (p == 0) {
    V* there = c.b.cast(c.b.cast(x, DType::boolean), x->dtype());
    return lower::reduce(c, "ReduceSum", there, axes, keep);
  }
  V* powers = c.b.emit_named("Pow", {size, lower::like(c, x, p)});
  V* sum = lower::reduce(c, "ReduceSum", powers, axes, keep);
  return c.b.emit_named("Pow", {sum, lower::like(c, x, 1 / p)});
}

V* matrix_norm(LowerContext& c) {
  V* x = input(c);
  const auto which = order(c, "ord");
  const auto dims = c.constants("dim");
  if (!which) return nullptr;
  if (dims.size() != 2) return c.refuse("a matrix norm needs two dimensions");
  return matrix_norm_of(c, x, *which, dims[0], dims[1], c.flag("keepdim"));
}

// Of a vector or of a matrix, as the dimensions given say; without any, of all elements, or, with an
// order, of a tensor that is a vector or a matrix itself.
V* norm(LowerContext& c) {
  V* x = input(c);
  std::vector<int64_t> dims;
  if (c.has("dim") && c.value("dim").is<ir::Dim>())
    dims = {c.constant("dim")};
  else if (c.has("dim"))
    dims = c.constants("dim");
  const bool keep = c.flag("keepdim"), ordered = c.has("ord");
  if (dims.empty() && ordered) {
    const size_t rank = lower::rank(c, x);
    if (rank != 1 && rank != 2)
      return c.refuse("a norm of an order of its own, over all dimensions, of neither a vector nor "
                      "a matrix");
    dims = lower::all_axes(rank);
  }
  const auto which = ordered ? order(c, "ord") : Order{};
  if (!which) return nullptr;
  if (ordered && dims.size() == 2)
    return matrix_norm_of(c, x, *which, dims[0], dims[1], keep);
  if (which->fro || which->nuc) return c.refuse("this norm is one of matrices");
  const auto axes = lower::axes(c, "dim", x);
  return axes ? vector_norm_of(c, x, which->number, *axes, keep) : nullptr;
}

V* nuclear_norm(LowerContext& c) {
  std::vector<int64_t> dims = {-2, -1};
  if (c.has("dim")) dims = c.constants("dim");
  if (dims.size() != 2) return c.refuse("a matrix norm needs two dimensions");
  return matrix_norm_of(c, c.tensor("self"), {.nuc = true}, dims[0], dims[1], c.flag("keepdim"));
}

// Largest by smallest singular value, or the norm times that of the inverse, which is infinite where
// there is none.
V* condition(LowerContext& c) {
  V* a = lower::matrices(c, "self");
  if (a == nullptr) return nullptr;
  const auto which = c.has("p") ? order(c, "p") : Order{};
  if (!which) return nullptr;
  if (!which->fro && !which->nuc && std::abs(which->number) == 2) {
    V* values = lower::singular_values(c, a);
    V *largest = lower::reduce_last(c, "ReduceMax", values),
      *smallest = lower::reduce_last(c, "ReduceMin", values);
    return which->number > 0 ? lower::div(c, largest, smallest) : lower::div(c, smallest, largest);
  }
  if (lower::square_matrices(c, "self") == nullptr) return nullptr;
  const auto inverse = lower::inverse_of(c, a, false);
  V* own = norm_of_last(c, a, *which);
  V* regular = c.b.emit_named("Equal", {inverse[1], c.b.scalar(0, DType::i32)});
  // Of an inverse that is not there no norm is taken: its elements need not have one.
  V* kept = lower::where(c, lower::as_column(c, lower::as_column(c, regular)), inverse[0],
                         lower::like(c, a, 0));
  V* other = norm_of_last(c, kept, *which);
  if (!own || !other) return nullptr;
  V* infinite = lower::like(c, a, std::numeric_limits<double>::infinity());
  return lower::where(c, regular, lower::mul(c, own, other), infinite);
}

}  // namespace matrix_norm_lowering

std::span<const torch::Lowering> matrix_norm_torch() {
  using namespace matrix_norm_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_matrix_norm", matrix_norm},
      {"aten::linalg_matrix_norm.str_ord", matrix_norm},
      {"aten::linalg_norm", norm},
      {"aten::linalg_norm.ord_str", norm},
      {"aten::nuclear_norm", nuclear_norm},
      {"aten::nuclear_norm.dim", nuclear_norm},
      {"aten::linalg_cond", condition},
      {"aten::linalg_cond.p_str", condition},
  };
  return kAll;
}

}  // namespace tenon::ops
