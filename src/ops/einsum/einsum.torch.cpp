#include "ops/einsum/einsum.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace einsum_lowering {

ir::Value* einsum(torch::LowerContext& c) {
  std::string equation;
  for (char letter : c.text("equation")) {
    if (letter != ' ') equation += letter;
  }
  std::vector<ir::Value*> operands = c.tensors("tensors");
  DType type = DType::undefined;
  for (ir::Value* one : operands) {
    if (one == nullptr) return c.refuse("an operand is missing");
    type = torch::promote(type, one->dtype());
  }
  for (ir::Value*& one : operands) one = c.b.cast(one, type);
  return c.b.emit(Einsum{.equation = equation}, std::move(operands));
}

}  // namespace einsum_lowering

std::span<const torch::Lowering> einsum_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::einsum", einsum_lowering::einsum}};
  return kAll;
}

}  // namespace tenon::ops
