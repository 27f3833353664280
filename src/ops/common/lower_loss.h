// What the loss functions share: PyTorch's reductions of the elements' losses.
#pragma once

#include "ops/common/lower_expr.h"

namespace tenon::ops::lower {

enum class Reduction : int64_t { none = 0, mean = 1, sum = 2 };

inline Reduction reduction(LowerContext& c) {
  const int64_t given = c.constant("reduction");
  if (given < 0 || given > 2) c.refuse("there are the reductions none, mean and sum");
  return static_cast<Reduction>(given);
}

inline Expr reduced(const Expr& losses, Reduction how) {
  if (how == Reduction::mean) return losses.mean();
  return how == Reduction::sum ? losses.sum() : losses;
}
inline V* reduced(LowerContext& c, const Expr& losses) {
  return reduced(losses, reduction(c)).result();
}

}  // namespace tenon::ops::lower
