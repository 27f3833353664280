#include "ops/next_after/next_after.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace next_after_lowering {

using torch::LowerContext;

lower::V* next_after(LowerContext& c) {
  const DType type = c.promoted({"self", "other"});
  if (!is_floating(type)) return c.refuse("nextafter takes floating point numbers only");
  return c.b.emit(NextAfter{}, {c.operand("self", type), c.operand("other", type)});
}

}  // namespace next_after_lowering

std::span<const torch::Lowering> next_after_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::nextafter", next_after_lowering::next_after}};
  return kAll;
}

}  // namespace tenon::ops
