#include "ops/tile/tile.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_tile(InferContext& context) {
  TRY(need_integer(context, 1));
  const Sizes* x = context.shape(0);
  const Contents repeats = flat_contents(context, 1);
  if (x == nullptr || !repeats) {
    context.set(0, context.dtype(0),
                x ? std::optional(data_sizes(context, 0, x->size())) : std::nullopt);
    return {};
  }
  if (repeats->size() != x->size())
    return context.fail(fmt::format("{} repeats for {}", repeats->size(), to_string(*x)));
  Sizes out = *x;
  for (size_t i = 0; i < out.size(); ++i) {
    if ((*repeats)[i].is_constant() && *(*repeats)[i].constant() < 0)
      return context.fail("a number of repeats is negative");
    out[i] = out[i] * (*repeats)[i];
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> tile_op() {
  static constexpr ir::OpSpec specs[] = {spec<Tile>(2, 2, infer_tile)};
  return specs;
}

}  // namespace tenon::ops
