#include "ops/depth_to_space/depth_to_space.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class Op>
Status infer_block(InferContext& context) {
  const auto op = context.as<Op>();
  const int64_t block = op.blocksize;
  if (block < 1 || block > (1 << 20)) return context.fail(fmt::format("blocksize is {}", block));
  if (op.mode != "DCR" && op.mode != "CRD")
    return context.fail("mode '" + op.mode + "' is not known");
  const Sizes* x = context.shape(0);
  if (x && x->size() != 4) return context.fail("the input " + to_string(*x) + " has not 4 axes");
  if (x == nullptr) {
    context.set(0, context.dtype(0), data_sizes(context, 0, 4));
    return {};
  }
  const Dim b(block);
  auto divides = [&](const Dim& size, const Dim& by) {
    return !size.is_constant() || *size.constant() % *by.constant() == 0;
  };
  if constexpr (std::is_same_v<Op, DepthToSpace>) {
    if (!divides((*x)[1], b * b)) return context.fail("the blocks do not divide the channels");
    context.set(0, context.dtype(0),
                Sizes{(*x)[0], floordiv((*x)[1], b * b), (*x)[2] * b, (*x)[3] * b});
  } else {
    if (!divides((*x)[2], b) || !divides((*x)[3], b))
      return context.fail("the blocks do not divide the image");
    context.set(0, context.dtype(0),
                Sizes{(*x)[0], (*x)[1] * b * b, floordiv((*x)[2], b), floordiv((*x)[3], b)});
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> depth_to_space_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<DepthToSpace>(1, 1, infer_block<DepthToSpace>),
      spec<SpaceToDepth>(1, 1, infer_block<SpaceToDepth>),
  };
  return specs;
}

}  // namespace tenon::ops
