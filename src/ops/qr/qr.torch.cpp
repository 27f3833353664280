#include "ops/qr/qr.h"

#include "ops/common/lower_matrix.h"

namespace tenon::ops {
namespace qr_lowering {

using lower::V;
using torch::LowerContext;

// The orthogonal matrix [.., m, m] of packed reflectors [.., m, n], of which the first min(m, n)
// count.
V* whole(LowerContext& c, V* packed, V* tau) {
  const ir::Dim m = lower::rows(c, packed), n = lower::columns(c, packed);
  const auto last = static_cast<int64_t>(lower::rank(c, packed)) - 1;
  V* padded = packed;
  if (m != n) {
    // Zeros on the right, as many as are missing at most.
    V* zeros = lower::filled(c, lower::with(lower::batch(c, packed), {m, m}), 0, packed->dtype());
    padded = lower::slice(c, lower::concat(c, {packed, zeros}, last), last, 0, m);
    if (!c.b.failed()) padded->type.shape = lower::with(lower::batch(c, packed), {m, m});
  }
  return c.b.emit(HouseholderProduct{}, {padded, tau});
}

V* qr(LowerContext& c) {
  V* a = lower::matrices(c, "A");
  if (a == nullptr) return nullptr;
  const std::string mode = c.text("mode");
  const auto packed = c.b.emit_n(QR{}, {a}, 2);
  const ir::Dim k = min(lower::rows(c, a), lower::columns(c, a));
  if (mode == "complete")
    return c.give({whole(c, packed[0], packed[1]), lower::triangle(c, packed[0], true)});
  V* r = lower::triangle(c, lower::first_rows(c, packed[0], k), true);
  if (mode == "r") return c.give({lower::nothing(c, a->dtype()), r});
  if (mode != "reduced") return c.refuse("QR has no mode " + mode);
  return c.give(
      {c.b.emit(HouseholderProduct{}, {lower::first_columns(c, packed[0], k), packed[1]}), r});
}

V* geqrf(LowerContext& c) {
  V* a = lower::matrices(c, "self");
  return a ? c.give(c.b.emit_n(QR{}, {a}, 2)) : nullptr;
}

V* householder_product(LowerContext& c) {
  const bool older = c.schema().name == "aten::orgqr";
  V* a = lower::matrices(c, older ? "self" : "input");
  return a ? c.b.emit(HouseholderProduct{}, {a, c.tensor(older ? "input2" : "tau")}) : nullptr;
}

// The product of the reflectors, or its transpose, times a matrix.
V* ormqr(LowerContext& c) {
  V *a = lower::matrices(c, "self"), *other = lower::matrices(c, "input3");
  if (!a || !other) return nullptr;
  V* q = whole(c, a, c.tensor("input2"));
  if (c.flag("transpose")) q = lower::adjoint(c, q);
  return c.flag("left") ? lower::matmul(c, q, other) : lower::matmul(c, other, q);
}

}  // namespace qr_lowering

std::span<const torch::Lowering> qr_torch() {
  using namespace qr_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::linalg_qr", qr},
      {"aten::geqrf", geqrf},
      {"aten::linalg_householder_product", householder_product},
      {"aten::orgqr", householder_product},
      {"aten::ormqr", ormqr},
  };
  return kAll;
}

}  // namespace tenon::ops
