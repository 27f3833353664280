// torch.block_diag: matrices along the diagonal of a larger one.
#include "ops/common/lower.h"

namespace tenon::ops {
namespace block_diag_lowering {

using lower::V;
using torch::LowerContext;

V* block_diag(LowerContext& c) {
  std::vector<V*> blocks = c.tensors("tensors");
  DType type = blocks.empty() ? DType::f32 : blocks[0]->dtype();
  ir::Dim width = 0;
  for (V*& block : blocks) {
    const size_t rank = lower::rank(c, block);
    if (rank > 2) return c.refuse("an input has more than two dimensions");
    type = torch::promote(type, block->dtype());
    block = lower::unsqueeze(c, block, lower::all_axes(2 - rank));  // a vector is a row
    width = width + lower::sizes(c, block)[1];
  }
  if (blocks.empty()) return c.b.constant(Tensor::zeros(type, {1, 0}));
  std::vector<V*> rows;
  ir::Dim before = 0;
  for (V* block : blocks) {
    const Sizes own = lower::sizes(c, block);
    const ir::Dim after = width - before - own[1];
    std::vector<V*> parts;
    if (!before.is(0)) parts.push_back(lower::filled(c, {own[0], before}, 0, type));
    parts.push_back(c.b.cast(block, type));
    if (!after.is(0)) parts.push_back(lower::filled(c, {own[0], after}, 0, type));
    V* row = lower::concat(c, parts, 1);
    if (!c.b.failed()) row->type.shape = Sizes{own[0], width};
    rows.push_back(row);
    before = before + own[1];
  }
  return lower::concat(c, rows, 0);
}

}  // namespace block_diag_lowering

std::span<const torch::Lowering> block_diag_torch() {
  static constexpr torch::Lowering kAll[] = {
      {"aten::block_diag", block_diag_lowering::block_diag}};
  return kAll;
}

}  // namespace tenon::ops
